import { parseArgs } from 'node:util';
import { COMMANDS } from './commands.ts';
import { AgentError, type AgentCode, readError } from './errors.ts';
import type { Options } from './options.ts';

/** What `licet-agent` tells the shell; as `licet` does (docs/cli.md). */
const EXIT: Partial<Record<AgentCode, number>> = {
  USAGE: 64,
  KIT_INVALID: 66,
  NOT_ENROLLED: 66,
  NO_INPUT: 66,
  UNAVAILABLE: 69,
  KEY_UNAVAILABLE: 69,
  LISTEN_FAILED: 71,
  CANNOT_WRITE: 73,
  PENDING: 75,
  SETTINGS_INVALID: 78,
};
const REFUSED = 1;
const DEFECT = 70;
/** What the shell says of programs that SIGPIPE ends, which Node ignores. */
const PIPE_CLOSED = 141;

const OPTIONS = {
  folder: { type: 'string' },
  kit: { type: 'string' },
  server: { type: 'string' },
  fingerprint: { type: 'string' },
  token: { type: 'string' },
  label: { type: 'string' },
  name: { type: 'string' },
  hook: { type: 'string' },
  reload: { type: 'string' },
  file: { type: 'string' },
  root: { type: 'string' },
  in: { type: 'string' },
  out: { type: 'string' },
  machine: { type: 'boolean' },
  wait: { type: 'boolean' },
  json: { type: 'boolean' },
  proxy: { type: 'string' },
  'public-tls': { type: 'boolean' },
  help: { type: 'boolean' },
} as const;

export async function main(args: readonly string[]): Promise<number> {
  try {
    const { name, options } = readArguments(args);
    if (name !== 'run') endWithReaders();
    const command = COMMANDS[name];
    if (command === undefined || options['help'] === true) {
      process.stdout.write(help());
      return name === 'help' || options['help'] === true ? 0 : 64;
    }
    const answer = await command.run(options);
    const { text, isGood } = typeof answer === 'string' ? { text: answer, isGood: true } : answer;
    process.stdout.write(`${text}\n`);
    return isGood ? 0 : REFUSED;
  } catch (thrown) {
    const error = thrown instanceof AgentError ? thrown : readError(thrown);
    if (error instanceof AgentError) {
      process.stderr.write(`licet-agent: ${error.message} [${error.serverCode ?? error.code}]\n`);
      return EXIT[error.code] ?? REFUSED;
    }
    process.stderr.write(
      `licet-agent: this is a defect, please report it: ${error instanceof Error ? error.stack : String(error)}\n`,
    );
    return DEFECT;
  }
}

/** Whoever reads may have heard enough, as `head`: that is no defect. `run` goes on, for others. */
function endWithReaders(): void {
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EPIPE') process.exit(PIPE_CLOSED);
      throw error;
    });
  }
}

function readArguments(args: readonly string[]): { name: string; options: Options } {
  try {
    const { values, positionals } = parseArgs({ args: [...args], options: OPTIONS, allowPositionals: true });
    if (positionals.length > 1) throw new TypeError(`"${positionals[1]}" is not understood here`);
    return { name: positionals[0] ?? 'help', options: values };
  } catch (error) {
    throw new AgentError('USAGE', `${(error as Error).message} (licet-agent help lists what there is).`);
  }
}

function help(): string {
  const lines = Object.values(COMMANDS).map(({ usage }) => `  licet-agent ${usage}`);
  return [
    'licet-agent keeps the license of a site. Every command takes --folder (default /var/lib/licet).',
    '',
    ...lines,
    '',
  ].join('\n');
}
