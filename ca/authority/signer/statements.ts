import type { JournalRecord } from '../ports/signer.ts';

/**
 * OCSP answers and tokens, counted per key. They state what the journal and the database know; to write each down would
 * only tell how often somebody asked.
 */
export class StatementCounter {
  readonly #counts = new Map<string, { readonly key: string; readonly kind: 'ocsp' | 'token'; count: number }>();

  add(key: string, kind: 'ocsp' | 'token'): void {
    const name = `${kind} ${key}`;
    const entry = this.#counts.get(name);
    if (entry === undefined) this.#counts.set(name, { key, kind, count: 1 });
    else entry.count += 1;
  }

  /** What was counted since the last call. */
  take(): JournalRecord[] {
    const records = [...this.#counts.values()].map((counted) => ({ type: 'statements', ...counted }) as const);
    this.#counts.clear();
    return records;
  }
}
