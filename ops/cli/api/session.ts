import { closeSync, openSync, rmSync, statSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';
import { ApiError, callApi } from './client.ts';
import { type Context, contextsFile, namedContext, saveSession, type Session } from './contexts.ts';

/** An access token that ends while a request is on its way is of no use. */
const MARGIN_MS = 30_000;

/** The server that is meant, with what shows who asks: the token of the environment, a sign-in, or the stored token. */
export async function chosenContext(io: CliIo, wanted: string | undefined): Promise<Context> {
  const { name, context } = namedContext(io, wanted);
  // A token of the environment belongs to the server of the environment, or to whichever context was chosen there.
  const token = io.env['LICET_TOKEN'];
  if (token !== undefined) return { ...context, token };
  if (name === undefined || context.session === undefined) return context;
  const session = isFresh(io, context.session) ? context.session : await alone(io, () => renewed(io, name));
  return { ...context, token: session.accessToken };
}

const isFresh = (io: CliIo, { accessUntil }: Session): boolean =>
  Date.parse(accessUntil) - io.now().getTime() > MARGIN_MS;

/** What another command has renewed meanwhile is used. */
async function renewed(io: CliIo, name: string): Promise<Session> {
  const { context } = namedContext(io, name);
  const { session } = context;
  if (session === undefined) throw signedOut();
  if (isFresh(io, session)) return session;
  try {
    const { refreshToken } = session;
    const next = await openSession({ ...context, token: undefined }, '/api/v1/sessions/refresh', { refreshToken });
    saveSession(io, name, next);
    return next;
  } catch (error) {
    if (error instanceof ApiError && error.code === 'REFRESH_REFUSED') throw signedOut();
    throw error;
  }
}

export async function openSession(context: Context, path: string, body: object): Promise<Session> {
  const answer = await callApi(context, { method: 'POST', path, body });
  const { accessToken, accessUntil, refreshToken } = answer.body as Session;
  return { accessToken, accessUntil, refreshToken };
}

const signedOut = (): CliError =>
  new CliError(
    EXIT.notAllowed,
    'SIGNED_OUT',
    'Your sign-in is over: sign in again by "licet self sign-in", or go on with the stored token by "licet self sign-out".',
  );

const LOOK_MS = 50;
/** Longer than a request may take: who left it there has died. */
const LEFT_MS = 60_000;

/** A refresh token is good for one of them: of commands that run side by side one sends it. */
async function alone<T>(io: CliIo, work: () => Promise<T>): Promise<T> {
  const lock = `${contextsFile(io)}.lock`;
  while (!take(lock)) {
    const age = Date.now() - (statSync(lock, { throwIfNoEntry: false })?.mtimeMs ?? Date.now());
    if (age > LEFT_MS) rmSync(lock, { force: true });
    else await pause(LOOK_MS);
  }
  try {
    return await work();
  } finally {
    rmSync(lock, { force: true });
  }
}

function take(lock: string): boolean {
  try {
    closeSync(openSync(lock, 'wx', 0o600));
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw new CliError(EXIT.cannotWrite, 'CANNOT_WRITE', `${lock} cannot be written: ${(error as Error).message}.`);
  }
}
