import { toHex } from '@licet/format';
import type { CertificateId } from '../../ports/revocation-store.ts';
import type { OcspAnswer } from './responder.ts';

type Entry = { readonly answer: OcspAnswer; readonly reuseUntil: number; readonly about: readonly string[] };

/** An answer takes about 1.5 KB with its keys. */
const MOST = 16_384;

/** Signed answers by what was asked, in the order of their last use. */
export class AnswerCache {
  readonly #entries = new Map<string, Entry>();
  /** Which answers speak of a certificate. */
  readonly #about = new Map<string, Set<string>>();
  readonly #most: number;

  constructor(most = MOST) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(asked: string): Entry | undefined {
    const entry = this.#entries.get(asked);
    if (entry === undefined) return undefined;
    this.#entries.delete(asked);
    this.#entries.set(asked, entry);
    return entry;
  }

  set(asked: string, answer: OcspAnswer, reuseUntil: number, ids: readonly CertificateId[]): void {
    this.#drop(asked);
    const about = ids.map(nameOf);
    this.#entries.set(asked, { answer, reuseUntil, about });
    for (const name of about) {
      const all = this.#about.get(name);
      if (all === undefined) this.#about.set(name, new Set([asked]));
      else all.add(asked);
    }
    if (this.#entries.size > this.#most) this.#drop(this.#entries.keys().next().value!);
  }

  forget(ids: readonly CertificateId[]): void {
    for (const id of ids) for (const asked of this.#about.get(nameOf(id)) ?? []) this.#drop(asked);
  }

  clear(): void {
    this.#entries.clear();
    this.#about.clear();
  }

  #drop(asked: string): void {
    const entry = this.#entries.get(asked);
    this.#entries.delete(asked);
    for (const name of entry?.about ?? []) {
      const all = this.#about.get(name);
      all?.delete(asked);
      if (all?.size === 0) this.#about.delete(name);
    }
  }
}

const nameOf = ({ issuer, serial }: CertificateId): string => `${issuer}/${toHex(serial)}`;
