/**
 * The signer process: it alone opens keys. Started by the server (`supervisor.ts`), which writes the launch into its
 * standard input and keeps that open as a sign of life; or standing alone, e.g. under systemd, with a launch file, by
 * `start.js`. What imports it takes in is Node itself and `@licet/format`, which a test holds it to.
 */
import { readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { AuthorityError } from '../errors.ts';
import { CRASH_AT, crashHook } from '../issue/crash-points.ts';
import type { Signer } from '../ports/signer.ts';
import { parseLaunch, readLaunch, type Launch, type Secret } from './launch.ts';
import { openSigner } from './open.ts';
import { serveSigner } from './server.ts';
import { openVault } from './vaults.ts';

const clock = { now: () => new Date() };

process.umask(0o077);
const [file] = process.argv.slice(2);
const isSupervised = file === undefined;

try {
  const { launch, secret } = isSupervised ? await readLaunch(process.stdin) : await launchFrom(file);
  const { signer, server } = await start(launch, secret);
  watchForTheEnd(async () => {
    await server.close();
    await signer.close();
  });
  say({ ready: true });
} catch (error) {
  say({ error: errorFor(error) });
  process.exitCode = 1;
  process.stdin.destroy();
}

async function launchFrom(path: string): Promise<{ readonly launch: Launch; readonly secret: Secret }> {
  return { launch: parseLaunch(await readFile(path, 'utf8'), dirname(path)), secret: undefined };
}

async function start(launch: Launch, secret: Secret): Promise<{ signer: Signer; server: { close(): Promise<void> } }> {
  const keys = await openVault(launch, secret, clock).finally(() => wipe(secret));
  const crashPoint = crashHook(process.env[CRASH_AT], endAll);
  const signer = await openSigner({ folder: launch.folder, clock, keys, crashPoint });
  try {
    const { socket: path, access } = launch;
    return { signer, server: await serveSigner(signer, { path, access, report }) };
  } catch (error) {
    await signer.close();
    throw error;
  }
}

function wipe(secret: Secret): void {
  if (secret !== undefined) ('passphrase' in secret ? secret.passphrase : secret.wrappingKey).fill(0);
}

/** As when the power goes: the server that started this process does not outlive it. */
function endAll(): void {
  if (isSupervised) process.kill(process.ppid, 'SIGKILL');
  process.kill(process.pid, 'SIGKILL');
}

/**
 * Supervised, the end is the end of standard input: the server closed it, or died. Signals that a terminal or systemd
 * sends to the whole group are left to the server, which still needs signatures while it finishes its requests.
 */
function watchForTheEnd(close: () => Promise<void>): void {
  const end = () => {
    close().then(
      () => process.exit(0),
      (error: unknown) => {
        report(error);
        process.exit(1);
      },
    );
  };
  if (isSupervised) {
    process.stdin.on('end', end).on('error', end).resume();
    process.on('SIGINT', ignore).on('SIGTERM', ignore);
  } else {
    process.once('SIGINT', end).once('SIGTERM', end);
  }
}

function ignore(): void {
  // Standard input says when it is time.
}

/** One line of JSON for whoever started it. */
function say(message: object): void {
  process.stdout.write(`${JSON.stringify(message)}\n`);
}

function report(error: unknown): void {
  process.stderr.write(`licet signer: ${wordsOf(error)}\n`);
}

/** What a person can do something about needs no stack. */
function wordsOf(error: unknown): string {
  if (error instanceof AuthorityError) return `${error.message} [${error.code}]`;
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

function errorFor(error: unknown): { code: string; message: string; details: readonly string[] } {
  if (error instanceof AuthorityError) return { code: error.code, message: error.message, details: error.details };
  // A file that is missing or not to be read, named by the system's own words.
  if (!(error instanceof Error && 'syscall' in error)) report(error);
  const message = error instanceof Error ? error.message : String(error);
  return { code: 'SIGNER_UNAVAILABLE', message: `The signer could not start: ${message}`, details: [] };
}
