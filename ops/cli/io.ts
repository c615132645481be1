import { EXIT, type ExitCode } from './exit-codes.ts';

/** All that a command may touch of the world; tests hand in their own. */
export type CliIo = {
  /** Results, for people and for pipes. */
  out(text: string): void;
  /** Progress, warnings and errors: never mixed into a pipe. */
  err(text: string): void;
  readonly stdin: NodeJS.ReadableStream;
  readonly env: Readonly<Record<string, string | undefined>>;
  now(): Date;
  /** What the process will end with; the last call wins. */
  exit(code: ExitCode): void;
};

/** A refusal that the person at the keyboard can do something about: one line, no stack. */
export class CliError extends Error {
  override readonly name = 'CliError';
  readonly exitCode: ExitCode;
  readonly code: string;

  constructor(exitCode: ExitCode, code: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.exitCode = exitCode;
    this.code = code;
  }
}

export function systemIo(): CliIo & { readonly exitCode: () => ExitCode } {
  let code: ExitCode = 0;
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error) => {
      if ('code' in error && error.code === 'EPIPE') process.exit(EXIT.pipeClosed);
      throw error;
    });
  }
  return {
    out: (text) => void process.stdout.write(text.endsWith('\n') ? text : `${text}\n`),
    err: (text) => void process.stderr.write(text.endsWith('\n') ? text : `${text}\n`),
    stdin: process.stdin,
    env: process.env,
    now: () => new Date(),
    exit: (value) => {
      code = value;
    },
    exitCode: () => code,
  };
}
