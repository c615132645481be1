import { readFileSync } from 'node:fs';
import type { JournalRecord } from '../../ports/signer.ts';
import { openJournal, type JournalOptions } from '../journal.ts';
import { listSegments } from '../segment.ts';
import type { Journal } from '../../ports/journal.ts';

export const NOW = new Date('2027-01-01T00:00:00Z');
const DIGEST = new Uint8Array(32).fill(0xd1);

export function open(folder: string, more: Partial<JournalOptions> = {}): Journal {
  return openJournal({ folder, clock: { now: () => NOW }, ...more });
}

/** One line of each kind, so that damage is tried on all of them. */
export const EVERY_KIND: readonly JournalRecord[] = [
  { type: 'key', key: 'k1', event: 'created', digest: DIGEST },
  { type: 'signature', key: 'k1', kind: 'certificate', digest: DIGEST, signed: Buffer.from('to be signed') },
  { type: 'signed', of: 2n, signature: Buffer.from('signature') },
  { type: 'signature', key: 'k1', kind: 'crl', digest: DIGEST, signed: undefined },
  { type: 'revocation', key: 'k1', serial: Buffer.of(1, 2, 3), event: 'held', reason: 6, at: NOW },
  { type: 'statements', key: 'k1', kind: 'ocsp', count: 7 },
];

export function order(text: string): JournalRecord {
  return { type: 'signature', key: 'k1', kind: 'certificate', digest: DIGEST, signed: Buffer.from(text) };
}

/** What the journal holds, as text: the orders by their bytes, the others by their type. */
export function contents(journal: Journal): string[] {
  return journal.after(0n, 100_000).map(({ record }) => {
    if (record.type !== 'signature') return record.type;
    return Buffer.from(record.signed ?? []).toString();
  });
}

export function lastSegment(folder: string): { readonly path: string; readonly bytes: Buffer } {
  const { path } = listSegments(folder).at(-1)!;
  return { path, bytes: readFileSync(path) };
}
