import type { Command } from 'commander';
import { ConfigError, type Loaded, explain, loadConfig } from '@licet/server/config';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';

export function register(program: Command, io: CliIo): void {
  const config = program.command('config').description('the configuration of the server').exitOverride();
  config
    .command('check')
    .description('every value that the server would run with and where it comes from; starts nothing')
    .option('--json', 'as JSON')
    .argument('[flags...]', 'the flags that the server would get: --config FILE --http.port 8443')
    .allowUnknownOption()
    .exitOverride()
    .action(async (flags: readonly string[], { json }: { json?: true }) => {
      const values = explain(await load(flags, io));
      io.out(json === true ? JSON.stringify(values, null, 2) : columns(values.map(Object.values<string>)));
    });
}

async function load(argv: readonly string[], io: CliIo): Promise<Loaded> {
  try {
    return await loadConfig({ argv, env: io.env, directory: process.cwd() });
  } catch (error) {
    if (error instanceof ConfigError) throw new CliError(EXIT.config, 'CONFIG_INVALID', error.message);
    throw error;
  }
}

function columns(rows: readonly (readonly string[])[]): string {
  const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
  return rows
    .map((row) =>
      row
        .map((cell, i) => cell.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
