import { parseArgs } from 'node:util';
import type { Authority } from './authority/ports/authorities.ts';
import { endOf, retire, type RolloverDeps, rollOver } from './authority/rollover.ts';
import { type Backstage, splitArguments, withBackstage } from './backstage.ts';
import { EXIT_CODES } from './config/exit-codes.ts';
import { LicetError } from './licensing/errors.ts';
import { StartError, startFailure } from './start-error.ts';

// `licet authority`: the CAs of this server.
//
//   node authority-program.ts list | rollover KEY | retire KEY [-- CONFIGURATION]
const USAGE = 'usage: authority list | rollover KEY | retire KEY [-- CONFIGURATION]';
const PAGE = 100;

const TASKS: Readonly<Record<string, (backstage: Backstage, key: string) => Promise<void>>> = {
  async list({ authority }) {
    for (let after: string | undefined; ;) {
      const page = await authority.directory.list({ limit: PAGE, ...(after !== undefined && { after }) });
      for (const one of page) print(lineOf(one));
      after = page.at(-1)?.key;
      if (page.length < PAGE) return;
    }
  },

  async rollover(backstage, key) {
    const { from, to } = await rollOver(await partsOf(backstage), key);
    print(lineOf(from));
    print(lineOf(to));
    print('New certificates come from the new one. Retire the old one when nothing below it is in use any more.');
  },

  async retire(backstage, key) {
    print(lineOf(await retire(await partsOf(backstage), key)));
    print('Its key signs nothing more.');
  },
};

/** What is fenced for the server is fenced here. */
async function partsOf({ authority }: Backstage): Promise<RolloverDeps> {
  await authority.guard.check();
  return { ...authority, signer: authority.journal.signer, clock: authority.journal.clock };
}

function lineOf(authority: Authority): string {
  const { key, kind, organization, enterprise, contract, algorithm, status, held } = authority;
  const tenant = enterprise === undefined ? organization : `${organization}/${enterprise}`;
  const until = `until ${endOf(authority).toISOString().slice(0, 10)}`;
  const words = [key, kind.padEnd(12), algorithm.padEnd(9), status.padEnd(8), until, tenant];
  if (contract !== undefined) words.push(`contract ${contract}`);
  if (!held) words.push('(key elsewhere)');
  return words.join('  ');
}

async function main(argv: readonly string[]): Promise<void> {
  const { own, configuration } = splitArguments(argv);
  const { positionals } = parseArgs({ args: own, allowPositionals: true, options: {} });
  const [name = '', key = ''] = positionals;
  const run = Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
  if (run === undefined || (name !== 'list' && key === '')) throw new StartError(EXIT_CODES.configuration.code, USAGE);
  await withBackstage(configuration, (backstage) => run(backstage, key));
}

function print(line: string): void {
  process.stdout.write(`${line}\n`);
}

try {
  await main(process.argv.slice(2));
} catch (error) {
  const { message, exitCode, isForeseen } = startFailure(error);
  const isRefusal = error instanceof LicetError;
  process.stderr.write(`licet: ${isForeseen || !isRefusal ? message : `${error.message} [${error.code}]`}\n`);
  process.exitCode = isRefusal ? 1 : exitCode;
}
