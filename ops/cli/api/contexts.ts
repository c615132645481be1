import { mkdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { z } from 'zod';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';

/** Somebody who has signed in: for minutes, and from then on by the next two tokens. */
const session = z.strictObject({
  accessToken: z.string(),
  accessUntil: z.iso.datetime(),
  refreshToken: z.string(),
});

/** One server that this person talks to. */
const context = z.strictObject({
  url: z.url({ protocol: /^https?$/ }),
  /** PEM of the root, pinned by `licet bootstrap`. */
  root: z.string().optional(),
  /** The server shows a certificate that browsers trust. */
  publicTls: z.literal(true).optional(),
  token: z.string().optional(),
  /** Stands in for the token as long as it is there. */
  session: session.optional(),
});
const contexts = z.strictObject({ current: z.string().optional(), contexts: z.record(z.string(), context) });

export type Context = z.output<typeof context>;
export type Session = z.output<typeof session>;
export type Contexts = z.output<typeof contexts>;

const NONE: Contexts = { contexts: {} };

/** `LICET_CONTEXTS`, or `licet/contexts.json` in the person's configuration folder. */
export function contextsFile({ env }: CliIo): string {
  const configuration = env['XDG_CONFIG_HOME'] ?? join(env['HOME'] ?? homedir(), '.config');
  return env['LICET_CONTEXTS'] ?? join(configuration, 'licet', 'contexts.json');
}

export function loadContexts(io: CliIo): Contexts {
  const file = contextsFile(io);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return NONE;
    throw new CliError(EXIT.config, 'CONTEXTS_UNREADABLE', `${file} cannot be read: ${(error as Error).message}.`);
  }
  // It holds tokens. Windows knows no such bits.
  if (process.platform !== 'win32' && (statSync(file).mode & 0o077) !== 0) {
    throw new CliError(
      EXIT.config,
      'CONTEXTS_OPEN',
      `${file} holds tokens and others can read it: chmod 600 '${file}'`,
    );
  }
  const parsed = contexts.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  const what = `${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'is not JSON'}`;
  throw new CliError(EXIT.config, 'CONTEXTS_INVALID', `${file} is not valid (${what}); correct or delete it.`);
}

/** Whole or not at all, and never readable by others, not even for a moment. */
export function saveContexts(io: CliIo, value: Contexts): void {
  const file = contextsFile(io);
  const draft = `${file}.${process.pid}.new`;
  try {
    mkdirSync(dirname(file), { recursive: true, mode: 0o700 });
    writeFileSync(draft, `${JSON.stringify(value, null, 2)}\n`, { mode: 0o600, flag: 'w' });
    renameSync(draft, file);
  } catch (error) {
    throw new CliError(EXIT.cannotWrite, 'CANNOT_WRITE', `${file} cannot be written: ${(error as Error).message}.`);
  }
}

export type Chosen = {
  /** Undefined: the environment alone says where the server is. */
  readonly name: string | undefined;
  readonly context: Context;
};

/** The server that is meant: by the flag, by the environment, or the current one. */
export function namedContext(io: CliIo, name: string | undefined): Chosen {
  const { current, contexts } = loadContexts(io);
  const url = io.env['LICET_URL'];
  const wanted = name ?? io.env['LICET_CONTEXT'] ?? (url === undefined ? current : undefined);
  const found = wanted === undefined ? undefined : contexts[wanted];
  if (wanted !== undefined && found === undefined) {
    const known = Object.keys(contexts).join(', ') || 'none';
    throw new CliError(EXIT.config, 'CONTEXT_UNKNOWN', `There is no context "${wanted}" (known: ${known}).`);
  }
  const context = found ?? (url === undefined ? undefined : { url });
  if (context !== undefined) return { name: wanted, context };
  const fix = 'run: licet bootstrap <url> --fingerprint <fingerprint of the root>, or set LICET_URL and LICET_TOKEN';
  throw new CliError(EXIT.config, 'CONTEXT_MISSING', `No server is known yet; ${fix}.`);
}

/** Keeps who has signed in, or with `undefined` forgets it. */
export function saveSession(io: CliIo, name: string, session: Session | undefined): void {
  const all = loadContexts(io);
  const { session: _, ...rest } = all.contexts[name]!;
  saveContexts(io, {
    ...all,
    contexts: { ...all.contexts, [name]: session === undefined ? rest : { ...rest, session } },
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
