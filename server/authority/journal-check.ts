import { equalBytes } from '@licet/format';
import type { JournalDeps } from './journal-watch.ts';

const PAGE = 1000;

/**
 * Reads the whole journal. The signer checks each line against its hash as it reads it, and so refuses one that was
 * changed; here is seen that none is missing between two, and that the line which the database has noted is that line.
 * Half of the time it rests: the signer has other things to do.
 */
export async function checkWholeJournal(
  { signer, transactions, marks }: Pick<JournalDeps, 'signer' | 'transactions' | 'marks'>,
  signal: AbortSignal,
): Promise<bigint> {
  const [first] = await signer.journalAfter(0n, 1);
  if (first === undefined) return 0n;
  const mark = await transactions.run('platform', (tx) => marks.get(tx, first.hash), { readOnly: true });
  let sequence = 0n;
  let hash: Uint8Array = new Uint8Array(first.previous.length);
  for (;;) {
    signal.throwIfAborted();
    const began = performance.now();
    const page = await signer.journalAfter(sequence, PAGE);
    for (const entry of page) {
      if (entry.sequence !== sequence + 1n || !equalBytes(entry.previous, hash)) throw broken(sequence + 1n);
      if (entry.sequence === mark?.sequence && !equalBytes(entry.hash, mark.hash)) throw broken(entry.sequence);
      ({ sequence, hash } = entry);
    }
    if (page.length < PAGE) break;
    await rest(performance.now() - began);
  }
  if (mark !== undefined && sequence < mark.sequence) throw broken(sequence + 1n);
  return sequence;
}

const broken = (sequence: bigint): Error =>
  new Error(
    `Entry ${sequence} of the signer's journal is not the one that was written: restore the journal from its copy.`,
  );

const rest = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
