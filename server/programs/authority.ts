import { parseArgs } from 'node:util';
import { readAuthorityBundle, readCrlFolder } from '@licet/authority';
import { importAuthorities } from '../authority/import.ts';
import { beginMark } from '../authority/journal-watch.ts';
import type { Authority } from '../authority/ports/authorities.ts';
import { retire } from '../authority/retire.ts';
import { endOf, type RolloverDeps, rollOver } from '../authority/rollover.ts';
import { type Backstage, splitArguments, withBackstage } from './backstage.ts';
import { EXIT_CODES } from '../config/exit-codes.ts';
import type { Config } from '../config/index.ts';
import { signerFolderOf } from '../effective.ts';
import { StartError } from '../start-error.ts';
import { print, runToEnd } from './end.ts';

// `licet authority`: the CAs of this server.
//
//   node authority.ts list | import [--crls FOLDER]… | rollover KEY | retire KEY [--end-live] [-- CONFIGURATION]
const USAGE =
  'usage: authority list | import [--crls FOLDER] | rollover KEY | retire KEY [--end-live] [-- CONFIGURATION]';
const PAGE = 100;

type Given = { readonly key: string; readonly crls: readonly string[]; readonly endLive: boolean };

const TASKS: Readonly<Record<string, (backstage: Backstage, given: Given) => Promise<void>>> = {
  async list({ authority }) {
    for (let after: string | undefined; ;) {
      const page = await authority.directory.list({ limit: PAGE, ...(after !== undefined && { after }) });
      for (const one of page) print(lineOf(one));
      after = page.at(-1)?.key;
      if (page.length < PAGE) return;
    }
  },

  async import(backstage, { crls }) {
    const { publish, revocations, journal, fence, directory } = backstage.authority;
    const isKnown = async (key: string) => (await directory.find(key)) !== undefined;
    const bundles = await readAuthorityBundle(signerFolderOf(backstage.config), isKnown);
    const lists = (await Promise.all(crls.map(readCrlFolder))).flat();
    const { organization } = backstage.config.authority;
    const beforeSaving = () => beginMark(journal);
    const deps = { ...(await partsOf(backstage)), publish, revocations, organization, beforeSaving };
    const imported = await importAuthorities(deps, bundles, lists);
    for (const one of imported.authorities) print(lineOf(one));
    if (imported.known > 0) print(`${imported.known} were known already.`);
    for (const number of imported.crls) print(`The CRL ${number} of the root is published.`);
    for (const { key } of imported.withoutCrl) {
      print(`The root ${key} has no CRL here: import again with --crls, and the folder of its "licet ceremony crl".`);
    }
    if (fence.reason !== undefined) print(fence.reason);
  },

  async rollover(backstage, { key }) {
    const { from, to } = await rollOver(await partsOf(backstage), key);
    print(lineOf(from));
    print(lineOf(to));
    print('New certificates come from the new one. Retire the old one when nothing below it is in use any more.');
  },

  async retire(backstage, { key, endLive }) {
    const { revoker, revocations, certificates } = backstage.authority;
    const deps = {
      ...(await partsOf(backstage)),
      revoker,
      revocations,
      certificates,
      transactions: backstage.database,
    };
    const { authority, live, ended } = await retire(deps, key, { endLive });
    print(lineOf(authority));
    if (live.count > 0) {
      const which = authority.kind === 'enterprise' ? ` --issuer-key ${key}` : '';
      print(`${live.count} certificates below it are worth nothing any more. To have their sites renew at once:`);
      print(`licet incident declare${which} --hours 1 --explanation "a CA was retired"`);
    }
    if (authority.kind === 'root') print('It, and what it vouches for, is shown to nobody any more.');
    else print(`Its certificate: ${ended}. Its key signs nothing more.`);
  },
};

/** Asked before a signer is waited for, which would not say it. */
function demandFolder({ signer }: Config): void {
  if (signer.socket === undefined || signer.folder !== undefined) return;
  const message =
    'The chains to be imported lie in the folder of the signer: name it as signer.folder, beside signer.socket.';
  throw new StartError(EXIT_CODES.configuration.code, message);
}

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
  const { positionals, values } = parseArgs({
    args: own,
    allowPositionals: true,
    options: {
      crls: { type: 'string', multiple: true, default: [] },
      'end-live': { type: 'boolean', default: false },
    },
  });
  const [name = '', key = ''] = positionals;
  const run = Object.hasOwn(TASKS, name) ? TASKS[name] : undefined;
  const needsKey = name === 'rollover' || name === 'retire';
  if (run === undefined || (needsKey && key === '')) throw new StartError(EXIT_CODES.configuration.code, USAGE);
  const given = { key, crls: values.crls, endLive: values['end-live'] };
  await withBackstage(
    configuration,
    (backstage) => run(backstage, given),
    name === 'import' ? { check: demandFolder, mayBeFirst: true } : {},
  );
}

await runToEnd(main);
