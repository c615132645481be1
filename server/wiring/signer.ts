import { randomBytes } from 'node:crypto';
import { closeSync, existsSync, fsyncSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  AuthorityError,
  SCRYPT_COSTS,
  SignerClient,
  signerSocketIn,
  startSigner,
  type VaultChoice,
} from '@licet/authority';
import { EXIT_CODES } from '../config/exit-codes.ts';
import type { Config } from '../config/index.ts';
import { evaluationPassphraseOf, isEvaluation, signerFolderOf } from '../effective.ts';
import { StartError } from '../start-error.ts';

export type OpenedSigner = {
  readonly signer: SignerClient;
  /** Of the process that this one started, if it did. */
  readonly pid: () => number | undefined;
  readonly close: () => Promise<void>;
};

export type SignerLog = Record<'warn' | 'error', (fields: object, message: string) => void>;

/** The signer that the configuration names: one that runs by itself, or one that is started here and kept running. */
export async function openServerSigner(config: Config, log: SignerLog): Promise<OpenedSigner> {
  const { socket } = config.signer;
  if (socket !== undefined) return connect(socket, WAIT_MS, log);
  const folder = signerFolderOf(config);
  const vault = vaultOf(config, folder);
  try {
    return await startSigner({
      folder,
      vault,
      report(event) {
        if (event.kind === 'ended')
          log.error({ code: event.code, signal: event.signal }, 'the signer ended, starting it');
        else log.error({ err: event.error }, 'the signer could not be started, trying again');
      },
    });
  } catch (error) {
    if (!(error instanceof AuthorityError)) throw error;
    throw new StartError(EXIT_CODES.unavailable.code, error.message, error);
  }
}

/** For programs beside the server: the server's own signer while that runs, otherwise one for as long as it takes. */
export async function borrowSigner(config: Config, log: SignerLog): Promise<OpenedSigner> {
  const socket = config.signer.socket ?? signerSocketIn(signerFolderOf(config));
  if (config.signer.socket === undefined && !(await answers(socket))) return openServerSigner(config, log);
  return connect(socket, 0, log);
}

/** How long a server waits at its start for a signer that runs by itself: machines start both at once. */
const WAIT_MS = 60_000;
const PAUSE_MS = 250;

async function connect(path: string, waitMs: number, log: SignerLog): Promise<OpenedSigner> {
  const signer = new SignerClient({ path });
  const until = performance.now() + waitMs;
  for (let isTold = false; ; isTold = true) {
    try {
      await signer.ping();
      return { signer, pid: () => undefined, close: () => signer.close() };
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (performance.now() >= until) {
        await signer.close();
        const message = `No signer answers at ${path}: start it, or correct signer.socket. ${reason}`;
        throw new StartError(EXIT_CODES.unavailable.code, message, error);
      }
      if (!isTold) log.warn({ address: path, reason }, 'no signer answers yet, waiting for it');
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}

const ASK_MS = 500;

async function answers(path: string): Promise<boolean> {
  if (!existsSync(path)) return false;
  const signer = new SignerClient({ path, timeoutMs: ASK_MS });
  try {
    await signer.ping();
    return true;
  } catch (error) {
    if (!(error instanceof AuthorityError)) throw error;
    return false;
  } finally {
    await signer.close();
  }
}

/** The configuration's schema has seen to it that what a vault needs is there. */
function vaultOf(config: Config, folder: string): VaultChoice {
  const { vault, pkcs11, awsKms } = config.signer;
  if (vault === 'file') return { kind: vault, ...passphraseOf(config, folder) };
  if (vault === 'pkcs11') {
    const { module, library = '', token = '', pinFile = '' } = pkcs11;
    return { kind: vault, module, library, token, pinFile };
  }
  const { region = '', ...more } = awsKms;
  return { kind: vault, region, ...more };
}

type PassphraseChoice = Pick<Extract<VaultChoice, { kind: 'file' }>, 'passphraseFile' | 'scryptCost'>;

function passphraseOf(config: Config, folder: string): PassphraseChoice {
  const given = config.signer.passphraseFile;
  if (given !== undefined) return { passphraseFile: given };
  const file = evaluationPassphraseOf(config);
  if (existsSync(file)) return { passphraseFile: file };
  const isNew = !existsSync(join(folder, 'keys'));
  // Nobody guesses what we make here, so it need not take half a second at every start to try it.
  if (isEvaluation(config) && isNew) return { passphraseFile: makePassphrase(file), scryptCost: SCRYPT_COSTS[0] };
  const message = isNew
    ? 'The keys of the signer need a passphrase: name the file that holds it in signer.passphraseFile (or set signer.socket).'
    : `The passphrase file ${file} is gone, and without it the keys in ${folder} cannot be opened: put it back, or name another in signer.passphraseFile.`;
  throw new StartError(EXIT_CODES.configuration.code, message);
}

/** 256 random bits; durable before a key is sealed with them. */
function makePassphrase(file: string): string {
  mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
  const descriptor = openSync(file, 'wx', 0o600);
  try {
    writeSync(descriptor, `${randomBytes(32).toString('base64url')}\n`);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
  return file;
}
