import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config/index.ts';
import type { Random } from './licensing/ports/random.ts';
import { StartError } from './start-error.ts';
import { EXIT_CODES } from './config/exit-codes.ts';

const FORM = /^[0-9a-f]{64}$/;

/** From the configuration, or else from a file that the first start makes. */
export function sealingKey({ access, data }: Config, random: Random): Uint8Array {
  if (access.sealingKey !== undefined) return Buffer.from(access.sealingKey, 'hex');
  const file = join(data.folder, 'access.key');
  const text = readOrMake(file, data.folder, random).trim();
  if (FORM.test(text)) return Buffer.from(text, 'hex');
  throw new StartError(
    EXIT_CODES.configuration.code,
    `${file} is no sealing key: restore it from a backup, or set access.sealingKey.`,
  );
}

function readOrMake(file: string, folder: string, random: Random): string {
  const text = Buffer.from(random.bytes(32)).toString('hex');
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    // Only if there is none: to make it anew would be to lose what was sealed.
    writeFileSync(file, `${text}\n`, { flag: 'wx', mode: 0o600, flush: true });
    return text;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    return readFileSync(file, 'utf8');
  }
}
