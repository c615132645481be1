import { EXIT_CODES } from './config/exit-codes.ts';
import { ConfigError } from './config/index.ts';
import { TlsMaterialError } from './tls/context.ts';

/** Thrown by what cannot start. The message is one sentence that says what is wrong and what to do. */
export class StartError extends Error {
  override readonly name = 'StartError';
  readonly exitCode: number;

  constructor(exitCode: number, message: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.exitCode = exitCode;
  }
}

const SYSTEM: Readonly<Record<string, string>> = {
  EADDRINUSE: 'is already in use: stop the other process, or choose another with',
  EACCES: 'may not be listened on by this user (ports below 1024 need a privilege): choose another with',
  EADDRNOTAVAIL: 'is not an address of this machine: correct',
  ENOTSUP: 'cannot be shared by processes on this system: turn off',
  ENOTFOUND: 'is not a host name that can be found: correct',
};

/** `key` is the section of the configuration that names the address. */
export function listenError(
  error: unknown,
  host: string,
  port: number,
  key: 'http' | 'http.plain' | 'operations',
): StartError {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  const reason = SYSTEM[code] ?? `cannot be listened on (${code}): check`;
  return new StartError(EXIT_CODES.listen.code, `${host} port ${port} ${reason} ${settingOf(code, key)}.`, error);
}

function settingOf(code: string, key: string): string {
  if (code === 'ENOTSUP') return 'http.sharePort';
  return code === 'EADDRINUSE' || code === 'EACCES' ? `${key}.port` : `${key}.host`;
}

export type StartFailure = { readonly message: string; readonly exitCode: number; readonly isForeseen: boolean };

/** The database has its own errors of this kind (server/persistence/errors.ts): what counts is the exit code. */
export function startFailure(error: unknown): StartFailure {
  if (error instanceof ConfigError) return foreseen(error, EXIT_CODES.configuration.code);
  if (error instanceof TlsMaterialError) return foreseen(error, EXIT_CODES.tls.code);
  if (error instanceof Error && 'exitCode' in error && typeof error.exitCode === 'number') {
    return foreseen(error, error.exitCode);
  }
  const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
  return { message, exitCode: EXIT_CODES.crashed.code, isForeseen: false };
}

const foreseen = ({ message }: Error, exitCode: number): StartFailure => ({ message, exitCode, isForeseen: true });
