import { spawn, type ChildProcess } from 'node:child_process';
import { createInterface } from 'node:readline';
import { AuthorityError, type AuthorityCode } from '../errors.ts';
import { SignerClient, type SignerClientOptions } from './client.ts';
import { signerCommand } from './command.ts';
import { encodeLaunch, type Secret, type VaultChoice } from './launch.ts';
import { signerSocketIn } from './socket.ts';

export type SupervisorOptions = Omit<SignerClientOptions, 'path'> & {
  readonly folder: string;
  readonly vault: VaultChoice;
  /** Asked at every start of the process, so that the server need not keep it; wiped once it is handed over. */
  readonly secret?: () => Promise<Secret>;
  /** Told of every end of the process that was not asked for, and of every start that failed. */
  readonly report?: (event: SupervisorEvent) => void;
};

export type SupervisorEvent =
  | { readonly kind: 'ended'; readonly code: number | null; readonly signal: string | null }
  | { readonly kind: 'start failed'; readonly error: AuthorityError };

export type SupervisedSigner = {
  readonly signer: SignerClient;
  /** Of the process that runs now. */
  readonly pid: () => number | undefined;
  readonly close: () => Promise<void>;
};

const FIRST_RETRY_MS = 50;
const LAST_RETRY_MS = 5000;
const CLOSE_TIMEOUT_MS = 5000;

/**
 * Starts the signer process and keeps it running. Rejects when the first start fails, with the reason; later ones are
 * tried again with growing pauses, while callers of `signer` get SIGNER_UNAVAILABLE.
 */
export async function startSigner(options: SupervisorOptions): Promise<SupervisedSigner> {
  const socket = signerSocketIn(options.folder);
  let child = await startProcess(options, socket);
  let closing = false;
  let timer: NodeJS.Timeout | undefined;
  const signer = new SignerClient({ ...options, path: socket });

  const watch = (pauseMs: number): void => {
    child.once('exit', (code, signal) => {
      if (closing) return;
      options.report?.({ kind: 'ended', code, signal });
      restartAfter(pauseMs);
    });
  };
  const restartAfter = (pauseMs: number): void => {
    timer = setTimeout(() => void restart(Math.min(pauseMs * 2, LAST_RETRY_MS)), pauseMs);
  };
  const restart = async (nextPauseMs: number): Promise<void> => {
    try {
      child = await startProcess(options, socket);
      if (closing) await stopProcess(child);
      else watch(FIRST_RETRY_MS);
    } catch (error) {
      if (!(error instanceof AuthorityError)) throw error;
      options.report?.({ kind: 'start failed', error });
      if (!closing) restartAfter(nextPauseMs);
    }
  };

  watch(FIRST_RETRY_MS);
  return {
    signer,
    pid: () => child.pid,
    close: async () => {
      closing = true;
      clearTimeout(timer);
      await signer.close();
      await stopProcess(child);
    },
  };
}

async function startProcess(options: SupervisorOptions, socket: string): Promise<ChildProcess> {
  const { folder, vault } = options;
  const { file, args, env } = signerCommand(vault);
  const child = spawn(file, args, { stdio: ['pipe', 'pipe', 'inherit'], env });
  // A process that died before it read its launch says so by its exit.
  child.stdin.on('error', () => child.stdin.destroy());
  const secret = await options.secret?.();
  const launch = encodeLaunch({ folder, socket, vault }, secret);
  child.stdin.write(launch, () => launch.fill(0));
  if (secret !== undefined) ('passphrase' in secret ? secret.passphrase : secret.wrappingKey).fill(0);
  await untilReady(child);
  return child;
}

async function untilReady(child: ChildProcess & { readonly stdout: NodeJS.ReadableStream | null }): Promise<void> {
  const lines = createInterface({ input: child.stdout! });
  const line = await new Promise<string | undefined>((resolve) => {
    lines.once('line', resolve);
    child.once('exit', () => resolve(undefined));
    child.once('error', () => resolve(undefined));
  });
  if (line === '{"ready":true}') return;
  throw startError(line);
}

function startError(line: string | undefined): AuthorityError {
  if (line === undefined) {
    return new AuthorityError('SIGNER_UNAVAILABLE', 'The signer process ended before it was ready; its log says why.');
  }
  // One line of our own `process.ts`.
  const { error } = JSON.parse(line) as { error: { code: AuthorityCode; message: string; details: readonly string[] } };
  return new AuthorityError(error.code, error.message, { details: error.details });
}

/** The end of its standard input asks it to finish; what does not is ended. */
async function stopProcess(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = new Promise((resolve) => child.once('exit', resolve));
  child.stdin?.end();
  const timer = setTimeout(() => child.kill('SIGKILL'), CLOSE_TIMEOUT_MS);
  await ended;
  clearTimeout(timer);
}
