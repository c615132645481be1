import { hash, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { fingerprintOf } from '@licet/authority';
import {
  type AuthorityKind,
  CEREMONIES,
  type CeremonyKind,
  ceremonyTemplate,
  holdCeremony,
  isCeremony,
  type Program,
  programHash,
  type Room,
  verifyTranscript,
} from '@licet/authority/ceremony';
import { FormatError } from '@licet/format';
import type { Command } from 'commander';
import { ask } from '../ask.ts';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';
import { orExplain } from '../or-explain.ts';
import manifest from '../package.json' with { type: 'json' };
import { printable } from '../printable.ts';
import { derBlocks, readInput } from '../read-input.ts';

type Options = { dryRun?: boolean; yes?: boolean; seal?: string };

/** Needs no network, no server and no database: one YAML file says everything. */
export function register(licet: Command, io: CliIo): void {
  const ceremony = licet
    .command('ceremony')
    .description('Keys and certificates above the server, made offline from one YAML file each.');
  hold(ceremony, 'root', 'Makes a root: key, certificate, and the shares that open it.', ['root'], io);
  const organization = ceremony.command('organization').description('A CA below the root, its request carried there.');
  steps(organization, ['organization', 'service'], io);
  hold(ceremony, 'crl', 'Makes the CRLs of the root for years ahead.', ['crl'], io);
  hold(ceremony, 'rollover', 'Makes a new root that the old one vouches for.', ['rollover'], io);
  hold(ceremony, 'shares', 'Gives the key of a root other shares.', ['shares'], io);
  addVerify(ceremony, io);
  ceremony
    .command('template <kind>')
    .description(`Prints a commented example of the file: ${CEREMONIES.join(', ')}.`)
    .action(async (kind: string) => io.out(await ceremonyTemplate(known(kind))));
  ceremony
    .command('fingerprint <file>')
    .description('Prints the SHA-256 fingerprint of a request, a certificate or a CRL, to be read out.')
    .action(async (file: string) => {
      const input = await readInput(file, io);
      try {
        for (const { bytes } of derBlocks(input)) io.out(fingerprintOf(bytes));
      } catch (error) {
        if (!(error instanceof FormatError)) throw error;
        throw new CliError(EXIT.unknown, error.code, `${file}: ${error.message}.`);
      }
    });
  ceremony
    .command('program')
    .description('Prints what the transcripts say of this program, to be compared with another copy of it.')
    .action(async () => {
      const { version, hash: all, node } = await program();
      io.out(`licet ${version} sha256 ${all} node ${node}`);
    });
  for (const parent of [ceremony, organization]) for (const command of parent.commands) command.exitOverride();
}

/** `licet authority enterprise`: the same three steps, below `licet authority`. */
export function registerEnterprise(authority: Command, io: CliIo): void {
  const enterprise = authority
    .command('enterprise')
    .description('The CA of an enterprise that keeps its own key, by files.');
  steps(enterprise, ['enterprise'], io);
  for (const command of enterprise.commands) command.exitOverride();
}

/** Request, sign, accept: the way of every CA whose key is not where its issuer's is. */
function steps(parent: Command, authorities: readonly AuthorityKind[], io: CliIo): void {
  hold(parent, 'request', 'Makes the key where it will work, and a request.', ['request'], io, authorities);
  hold(parent, 'sign', 'Certifies a request with the key above.', ['sign'], io, authorities);
  hold(parent, 'accept', 'Takes the certificate that came back.', ['accept'], io, authorities);
}

function hold(
  parent: Command,
  name: string,
  description: string,
  allowed: readonly CeremonyKind[],
  io: CliIo,
  authorities?: readonly AuthorityKind[],
): void {
  parent
    .command(`${name} <file>`)
    .description(description)
    .option('--dry-run', 'say exactly what would be made, and make nothing')
    .option('--yes', 'do not ask whether to go on')
    .action(async (file: string, { dryRun = false, yes = false }: Options) => {
      const options = { file, allowed, dryRun, yes, ...(authorities !== undefined && { authorities }) };
      await orExplain(holdCeremony(options, await room(io)));
    });
}

function addVerify(parent: Command, io: CliIo): void {
  parent
    .command('verify <transcript>')
    .description('Checks a transcript and the files beside it. Exit: 0 as they were, 1 not.')
    .option('--seal <seal>', 'what the witnesses wrote down')
    .action(async (transcript: string, { seal }: Options) => {
      const found = await orExplain(verifyTranscript(transcript, seal));
      io.out(`${found.lines} lines and ${found.files} files are as they were. Seal: ${found.seal}`);
      if (found.away.length > 0) io.out(printable([`Handed out, and not here: ${found.away.join(', ')}`]));
      if (seal === undefined)
        io.err('Give --seal with what the witnesses wrote down: only that shows that nobody rewrote all of it.');
    });
}

function known(kind: string): CeremonyKind {
  if (isCeremony(kind)) return kind;
  throw new CliError(EXIT.usage, 'USAGE', `There is no ceremony ${kind}; write one of ${CEREMONIES.join(', ')}.`);
}

async function room(io: CliIo): Promise<Room> {
  return {
    clock: io,
    random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
    program: await program(),
    say: (line) => io.out(printable([line])),
    ask: (question) => ask(question, io),
  };
}

/** All of our code that a ceremony runs; what it depends on is found from there. */
const PACKAGES = ['@licet/format', '@licet/verify', '@licet/keystores', '@licet/authority', '@licet/cli'];
const ENTRIES = ['require-node.js', 'compile-cache.js'];

async function program(): Promise<Program> {
  const at = (address: string) => fileURLToPath(import.meta.resolve(address));
  const all = await programHash(
    Object.fromEntries(PACKAGES.map((name) => [name, dirname(at(name))])),
    Object.fromEntries(ENTRIES.map((name) => [name, at(`../../../${name}`)])),
  );
  // Another one on each platform, and so beside the hash of the rest.
  const node = hash('sha256', await readFile(process.execPath));
  return { version: manifest.version, node: `${process.version} sha256 ${node}`, hash: all };
}
