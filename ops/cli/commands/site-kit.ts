import { writeFileSync } from 'node:fs';
import type { Command } from 'commander';
import { z } from 'zod';
import { callApi } from '../api/client.ts';
import { operations } from '../api/document.ts';
import { chosenContext } from '../api/session.ts';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';

type Options = {
  readonly contract?: string;
  readonly mode?: string;
  readonly name?: string;
  readonly hours: string;
  readonly fingerprint?: string;
  readonly machine?: true;
  readonly approval?: true;
  readonly server?: string;
  readonly publicTls?: true;
  readonly out?: string;
  readonly context?: string;
};

const made = z.object({
  enrolment: z.object({ expiresAt: z.string() }),
  kit: z.looseObject({ version: z.literal(1), token: z.string() }),
});

export function registerKit(group: Command, io: CliIo): void {
  group
    .command('kit')
    .argument('[site]', 'the id of a site that is there; without it, --contract and --mode say of what it becomes part')
    .description('an enrolment kit: all that a site needs for its license, as one command line or one small file')
    .option('--contract <id>', 'for a site that comes into being when the kit is used')
    .option('--mode <mode>', 'production, development or recovery')
    .option('--name <name>', 'the only name that the site may have; without it the site says how it is called')
    .option('--hours <number>', 'how long the token may be used', '24')
    .option('--fingerprint <text>', 'only on the machine that has this fingerprint (licet-agent fingerprints)')
    .option('--machine', 'bind the license to the machine that enrols')
    .option('--approval', 'somebody has to approve the request that comes (licet enrolment approve)')
    .option('--server <urls>', 'other addresses than the one the server says of itself; give two, with a comma')
    .option('--public-tls', 'the server shows a certificate that browsers trust')
    .option('--out <file>', 'write the kit to a file, for its owner only, instead of the command line')
    .option('--context <name>', 'another server than the current one')
    .exitOverride()
    .action((site: string | undefined, options: Options) => makeKit(io, site, options));
}

async function makeKit(io: CliIo, site: string | undefined, options: Options): Promise<void> {
  const { method, path } = operations().get('createEnrolment');
  const answer = await callApi(await chosenContext(io, options.context), { method, path, body: bodyOf(site, options) });
  const { kit, enrolment } = made.parse(answer.body);
  const { server, publicTls, machine, out } = options;
  const whole = {
    ...kit,
    ...(server !== undefined && { servers: server.split(',') }),
    ...(publicTls === true && { publicTls }),
    ...((machine === true || options.fingerprint !== undefined) && { machine: true }),
  };
  io.err(`Good for one first license, until ${enrolment.expiresAt}. Whoever has it can use it: hand it over safely.`);
  if (out === undefined) {
    const word = Buffer.from(JSON.stringify(whole)).toString('base64url');
    io.out(`licet-agent enrol --kit licet-kit.${word}`);
    return;
  }
  save(out, `${JSON.stringify(whole, null, 2)}\n`);
  io.err(`At the site: licet-agent enrol --kit ${out}`);
}

function bodyOf(site: string | undefined, { contract, mode, name, ...options }: Options): object {
  const hours = Number(options.hours);
  if (!(hours > 0)) throw new CliError(EXIT.usage, 'OPTION_INVALID', '--hours must be a number above 0.');
  const { fingerprint, approval } = options;
  const common = {
    options: {
      lifetime: Math.round(hours * 3600),
      ...(fingerprint !== undefined && { fingerprint }),
      ...(approval === true && { approval }),
    },
  };
  if (site !== undefined) return { site, ...common };
  if (contract !== undefined && mode !== undefined) {
    return { contract, mode, ...(name !== undefined && { name }), ...common };
  }
  throw new CliError(EXIT.usage, 'OPTION_MISSING', 'Name a site, or give --contract and --mode for a new one.');
}

/** It holds a secret, so nobody else reads it, and nothing is written over. */
function save(file: string, text: string): void {
  try {
    writeFileSync(file, text, { mode: 0o600, flag: 'wx' });
  } catch (error) {
    const message = `${file} cannot be written: ${(error as Error).message}; the token is lost, so make a new kit.`;
    throw new CliError(EXIT.cannotWrite, 'CANNOT_WRITE', message);
  }
}
