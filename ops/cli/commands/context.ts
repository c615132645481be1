import type { Command } from 'commander';
import { contextsFile, loadContexts, saveContexts } from '../api/contexts.ts';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';
import { readInput } from '../read-input.ts';

export function register(program: Command, io: CliIo): void {
  const context = program.command('context').description('the servers that this machine talks to').exitOverride();
  context
    .command('list')
    .description('all of them; * marks the current one')
    .option('--json', 'as JSON, without the tokens')
    .exitOverride()
    .action(({ json }: { json?: true }) => list(io, json === true));
  context
    .command('use')
    .argument('<name>')
    .description('makes one the current one')
    .exitOverride()
    .action((name: string) => {
      saveContexts(io, { ...loadContexts(io), current: known(io, name) });
      io.err(`From now on "${name}" is meant.`);
    });
  context
    .command('token')
    .argument('<file>', 'a file that holds the token and nothing else; "-" for standard input')
    .option('--context <name>', 'another one than the current one')
    .description('stores the API token for a server; it never stands on a command line')
    .exitOverride()
    .action((file: string, options: { context?: string }) => storeToken(io, file, options.context));
  context
    .command('delete')
    .argument('<name>')
    .description('forgets a server and its token')
    .exitOverride()
    .action((name: string) => {
      known(io, name);
      const { current, contexts } = loadContexts(io);
      const rest = Object.fromEntries(Object.entries(contexts).filter(([other]) => other !== name));
      saveContexts(io, { contexts: rest, ...(current !== undefined && current !== name && { current }) });
    });
}

function list(io: CliIo, isJson: boolean): void {
  const { current, contexts } = loadContexts(io);
  const rows = Object.entries(contexts).map(([name, { url, root, token, session }]) => ({
    name,
    url,
    isCurrent: name === current,
    isPinned: root !== undefined,
    hasToken: token !== undefined,
    isSignedIn: session !== undefined,
  }));
  if (isJson) io.out(JSON.stringify(rows, null, 2));
  else if (rows.length === 0) io.out(`There are none in ${contextsFile(io)}.`);
  else io.out(rows.map((row) => `${row.isCurrent ? '*' : ' '} ${row.name}  ${row.url}`).join('\n'));
}

function known(io: CliIo, name: string): string {
  const { contexts } = loadContexts(io);
  if (Object.hasOwn(contexts, name)) return name;
  const all = Object.keys(contexts).join(', ') || 'none';
  throw new CliError(EXIT.config, 'CONTEXT_UNKNOWN', `There is no context "${name}" (known: ${all}).`);
}

async function storeToken(io: CliIo, file: string, named: string | undefined): Promise<void> {
  const token = (await readInput(file, io)).toString('utf8').trim();
  if (!/^[\x21-\x7e]{1,512}$/.test(token)) {
    throw new CliError(EXIT.noInput, 'TOKEN_INVALID', `${file} must hold the token on one line and nothing else.`);
  }
  const all = loadContexts(io);
  const name = known(io, named ?? all.current ?? '');
  saveContexts(io, { ...all, contexts: { ...all.contexts, [name]: { ...all.contexts[name]!, token } } });
  const isSignedIn = all.contexts[name]?.session !== undefined;
  io.err(
    `The token for "${name}" is stored${isSignedIn ? ', and counts once you sign out: licet self sign-out' : ''}.`,
  );
}
