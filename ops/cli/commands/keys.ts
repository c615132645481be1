import {
  beginJournal,
  listKeyFiles,
  openSigner,
  rewrapSigner,
  type KeyDescription,
  withSecretFile,
} from '@licet/authority';
import { join } from 'node:path';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';
import { orExplain } from '../or-explain.ts';
import { CONFIGURATION, keyBefore, runServerProgram } from '../server-program.ts';

type Options = { folder: string; passphraseFile: string; newPassphraseFile?: string; json?: boolean };

const FOLDER = ['--folder <folder>', "the signer's folder, which holds keys/ and journal/"] as const;
const PASSPHRASE = ['--passphrase-file <file>', 'the passphrase that opens the keys (/dev/stdin for a pipe)'] as const;

/**
 * On the folder itself, so the signer must not run: its lock says so. Keys in a token or a cloud have nothing to be
 * sealed, and are rotated through the configuration of their server.
 */
export function register(program: Command, io: CliIo): void {
  const keys = program.command('keys').description('The keys of a signer: list, rotate, new passphrase.');
  keys
    .command('list')
    .description('Says what keys there are. Needs no passphrase, and so proves nothing about them.')
    .requiredOption(...FOLDER)
    .option('--json', 'one object for each key')
    .action(async ({ folder, json }: Options) => {
      const all = await orExplain(listKeyFiles(folder));
      for (const key of all) io.out(json === true ? JSON.stringify(asObject(key)) : asLine(key));
    });
  keys
    .command('rotate')
    .description('Makes a new key for the same role. The old one goes on signing until it is retired.')
    .argument('<id>', 'the key, as "licet keys list" names it', keyBefore)
    .argument('[configuration...]', `without --folder: ${CONFIGURATION}`)
    .option(...FOLDER)
    .option(...PASSPHRASE)
    .action(async (id: string, configuration: string[], { folder, passphraseFile }: Partial<Options>) => {
      if (folder === undefined) {
        io.exit(await runServerProgram('@licet/server/keys-program', ['rotate', id], configuration, io));
      } else if (passphraseFile === undefined) {
        throw new CliError(EXIT.usage, 'OPTION_MISSING', 'Give --passphrase-file, which opens the keys of --folder.');
      } else io.out(asLine(await orExplain(rotate(id, { folder, passphraseFile }, io))));
    });
  keys
    .command('rewrap')
    .description('Seals every key anew. Interrupted, it is simply run again.')
    .requiredOption(...FOLDER)
    .requiredOption(...PASSPHRASE)
    .option('--new-passphrase-file <file>', 'from now on the keys are opened by this one')
    .action(async (options: Options) => {
      const moved = await orExplain(rewrap(options, io));
      io.out(`${moved} ${moved === 1 ? 'key' : 'keys'} sealed anew.`);
    });
  keys
    .command('begin-journal')
    .description('Begins an empty journal for keys whose own is lost for good; what it knew of them is lost with it.')
    .requiredOption(...FOLDER)
    .action(async ({ folder }: Options) => {
      // Rejects where there is no such folder: to begin a journal would make one.
      await orExplain(listKeyFiles(folder));
      await orExplain(beginJournal(join(folder, 'journal'), io));
      io.out('The signer can be started. Have its server count from here on: "licet reconcile --accept-journal".');
    });
  for (const command of keys.commands) command.exitOverride();
}

async function rotate(id: string, { folder, passphraseFile }: Options, io: CliIo): Promise<KeyDescription> {
  // Rejects where there is no such folder: to open a signer would make one.
  await listKeyFiles(folder);
  const signer = await withSecretFile(passphraseFile, (passphrase) =>
    openSigner({ folder, clock: io, keys: { passphrase } }),
  );
  try {
    return await signer.rotateKey(id);
  } finally {
    await signer.close();
  }
}

async function rewrap({ folder, passphraseFile, newPassphraseFile }: Options, io: CliIo): Promise<number> {
  const options = { folder, clock: io, progress: (done: number, total: number) => io.err(`${done} of ${total}`) };
  return withSecretFile(passphraseFile, (passphrase) => {
    const unlock = { passphrase };
    if (newPassphraseFile === undefined) return rewrapSigner({ ...options, unlock });
    return withSecretFile(newPassphraseFile, (renewed) =>
      rewrapSigner({ ...options, unlock, newUnlock: { passphrase: renewed } }),
    );
  });
}

function asObject({ publicKey, certificate, ...key }: KeyDescription): object {
  return { ...key, publicKey: Buffer.from(publicKey).toString('base64'), hasCertificate: certificate !== undefined };
}

function asLine(key: KeyDescription): string {
  const { id, purpose, algorithm, generation, organization, enterprise, retiredAt, certificate } = key;
  const tenant = enterprise === undefined ? organization : `${organization}/${enterprise}`;
  const state = retiredAt !== undefined ? 'retired' : certificate === undefined ? 'no certificate' : 'in use';
  return [id, purpose.padEnd(12), algorithm.padEnd(9), `generation ${generation}`, state.padEnd(14), tenant].join('  ');
}
