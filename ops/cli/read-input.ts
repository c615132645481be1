import { readFile } from 'node:fs/promises';
import { decodePem, type PemBlock } from '@licet/format';
import { EXIT } from './exit-codes.ts';
import { CliError, type CliIo } from './io.ts';

/** What is read from a pipe or a file at once; a CRL of a million entries has 40 MB. */
const MOST_BYTES = 256 * 1024 * 1024;

/** The bytes of a file, or of standard input for "-". */
export async function readInput(file: string, io: CliIo): Promise<Buffer> {
  if (file === '-') return readStream(io.stdin);
  try {
    return await readFile(file);
  } catch (error) {
    throw new CliError(EXIT.noInput, 'NO_INPUT', `${file} cannot be read: ${(error as Error).message}`);
  }
}

async function readStream(stream: NodeJS.ReadableStream): Promise<Buffer> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of stream) {
    parts.push(Buffer.from(part));
    length += part.length;
    if (length > MOST_BYTES) throw new CliError(EXIT.noInput, 'NO_INPUT', 'Standard input is too long.');
  }
  return Buffer.concat(parts);
}

/** The blocks of a PEM text; or the input itself, when it is DER, under an empty label. */
export function derBlocks(input: Buffer): PemBlock[] {
  return input[0] === 0x30 ? [{ label: '', bytes: input }] : decodePem(input.toString('utf8'));
}
