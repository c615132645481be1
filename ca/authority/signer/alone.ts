import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { signerCommand } from './command.ts';
import { parseLaunch } from './launch.ts';

/** Becomes the signer process that the launch file describes, in place: whoever started this one keeps its number. */
export function becomeSigner([file, ...more]: readonly string[]): number {
  if (file === undefined || more.length > 0) return fail('usage: licet-signer FILE, the launch file of the signer');
  const path = resolve(file);
  try {
    const { vault } = parseLaunch(readFileSync(path, 'utf8'), dirname(path));
    const command = signerCommand(vault, path);
    process.execve!(command.file, [command.file, ...command.args], command.env);
  } catch (error) {
    return fail(`${path} cannot be used: ${(error as Error).message}`);
  }
  return 0;
}

/** EX_CONFIG, as the server says it. */
function fail(message: string): number {
  process.stderr.write(`licet signer: ${message}\n`);
  return 78;
}
