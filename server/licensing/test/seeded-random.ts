import { createCipheriv, createHash } from 'node:crypto';
import type { Random } from '../ports/random.ts';

/** The same bytes for the same seed, on every machine: the key stream of AES-256-CTR. */
export function seededRandom(seed: string): Random {
  const stream = createCipheriv('aes-256-ctr', createHash('sha256').update(seed).digest(), Buffer.alloc(16));
  return { bytes: (length) => new Uint8Array(stream.update(Buffer.alloc(length))) };
}
