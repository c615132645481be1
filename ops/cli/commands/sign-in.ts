import { X509Certificate } from 'node:crypto';
import type { Command } from 'commander';
import { z } from 'zod';
import { ApiError, callApi } from '../api/client.ts';
import { type Chosen, type Context, namedContext, saveSession } from '../api/contexts.ts';
import { operations } from '../api/document.ts';
import { chosenContext, openSession } from '../api/session.ts';
import { ask } from '../ask.ts';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';
import { readInput } from '../read-input.ts';

type Options = {
  readonly organization?: string;
  readonly email?: string;
  readonly everywhere?: string;
  readonly data?: string;
  readonly context?: string;
};

const texts = z.record(z.string(), z.string());
type Body = Readonly<Record<string, string>>;

const CONTEXT = ['--context <name>', 'another server than the current one'] as const;

/** A password never stands on a command line, which others can read: it is typed, or comes in a file. */
export function registerSignIn(group: Command, io: CliIo): void {
  group
    .command('accept-invitation')
    .description('sets the first password, by an invitation')
    .option('--data <file>', 'invitation and password as JSON, instead of being asked for them ("-": standard input)')
    .option(...CONTEXT)
    .exitOverride()
    .action((options: Options) => accept(io, options));
  group
    .command('sign-in')
    .description('signs in with a password: from then on commands ask as this person')
    .option('--email <address>', 'of the account')
    .option('--organization <slug>', 'default: the one in the name of the root')
    .option('--data <file>', 'email, password and code as JSON, instead of being asked for them ("-": standard input)')
    .option(...CONTEXT)
    .exitOverride()
    .action((options: Options) => signIn(io, options));
  group
    .command('sign-out')
    .description('signs out here, or everywhere: from then on commands ask by the stored token')
    .option('--everywhere <yes|no>', 'all sessions of the person', 'no')
    .option(...CONTEXT)
    .exitOverride()
    .action((options: Options) => signOut(io, options));
}

async function accept(io: CliIo, { data, context }: Options): Promise<void> {
  const server = anonymous(namedContext(io, context));
  const given = await bodyIn(io, data);
  const invitation = given['invitation'] ?? (await asked(io, 'The invitation:', 'invitation')).trim();
  const password = given['password'] ?? (await newPassword(io));
  const { method, path } = operations().get('acceptInvitation');
  await callApi(server, { method, path, body: { invitation, password } });
  io.err('The password is set. Next: licet self sign-in --email <address>');
}

async function newPassword(io: CliIo): Promise<string> {
  const password = await asked(io, 'A new password:', 'password');
  if ((await asked(io, 'The same again:', 'password')) === password) return password;
  throw new CliError(EXIT.usage, 'PASSWORDS_DIFFER', 'The two are not the same; nothing was set.');
}

async function signIn(io: CliIo, options: Options): Promise<void> {
  const chosen = namedContext(io, options.context);
  if (chosen.name === undefined) {
    const message = 'A sign-in is kept with a server: make it known by "licet bootstrap" first.';
    throw new CliError(EXIT.config, 'CONTEXT_MISSING', message);
  }
  const given = await bodyIn(io, options.data);
  const organization = options.organization ?? given['organization'] ?? organizationIn(chosen.context);
  const email = options.email ?? given['email'];
  if (organization === undefined || email === undefined) {
    throw new CliError(EXIT.usage, 'OPTION_MISSING', `Give --${email === undefined ? 'email' : 'organization'}.`);
  }
  const password = given['password'] ?? (await asked(io, `The password of ${email}:`, 'password'));
  const session = await withCode(io, anonymous(chosen), { ...given, organization, email, password });
  saveSession(io, chosen.name, session);
  io.err(`Signed in to "${chosen.name}" as ${email}, until "licet self sign-out" or a day without a command.`);
}

/** Whether there is a second factor is said to nobody who does not know the password. */
async function withCode(io: CliIo, server: Context, body: Body): ReturnType<typeof openSession> {
  const { path } = operations().get('signIn');
  try {
    return await openSession(server, path, body);
  } catch (error) {
    if (!(error instanceof ApiError && error.code === 'CODE_REQUIRED')) throw error;
    const code = (await asked(io, 'The code of the second factor:', 'code')).trim();
    return openSession(server, path, { ...body, code });
  }
}

async function signOut(io: CliIo, { everywhere, context }: Options): Promise<void> {
  if (everywhere !== 'yes' && everywhere !== 'no') {
    throw new CliError(EXIT.usage, 'OPTION_INVALID', '--everywhere must be yes or no.');
  }
  const { method, path } = operations().get('signOut');
  const { name } = namedContext(io, context);
  try {
    const body = { everywhere: everywhere === 'yes' };
    await callApi(await chosenContext(io, context), { method, path, body });
  } catch (error) {
    // It is over already.
    if (!(error instanceof CliError && error.code === 'SIGNED_OUT')) throw error;
  }
  if (name !== undefined) saveSession(io, name, undefined);
  io.err('Signed out.');
}

const anonymous = ({ context }: Chosen): Context => ({ ...context, token: undefined });

/** RFC 4514: every CA of ours names its organization. */
function organizationIn({ root }: Context): string | undefined {
  const subject = root === undefined ? '' : new X509Certificate(root).subject;
  return /^O=(.+)$/m.exec(subject)?.[1];
}

async function bodyIn(io: CliIo, file: string | undefined): Promise<Body> {
  if (file === undefined) return {};
  const text = (await readInput(file, io)).toString('utf8');
  try {
    return texts.parse(JSON.parse(text));
  } catch {
    // Without what stands in it.
    throw new CliError(EXIT.usage, 'DATA_INVALID', `${file} must hold one JSON object, whose values are texts.`);
  }
}

async function asked(io: CliIo, question: string, field: string): Promise<string> {
  const answer = await ask(question, io, { secret: true });
  if (answer !== undefined) return answer;
  const message = `Nobody is there to type it in: give "${field}" in the file of --data.`;
  throw new CliError(EXIT.usage, 'OPTION_MISSING', message);
}
