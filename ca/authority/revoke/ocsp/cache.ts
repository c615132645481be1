import { toHex } from '@licet/format';
import type { CertificateId } from '../../ports/revocation-store.ts';
import type { OcspAnswer } from './answer.ts';

type Entry = {
  readonly answer: OcspAnswer;
  readonly reuseUntil: number;
  readonly about: readonly string[];
  /** Since it was last passed over. */
  wasAsked: boolean;
};

/** An answer takes about 2.5 KB with its keys and as it goes over the wire. */
const MOST = 16_384;
/** Its part goes at a time: a map has to find its first entry past all that were deleted before it. */
const ROOM = 16;

/**
 * Signed answers by what was asked. When it is full, the oldest go that nobody asked for since they were last passed over:
 * nearly the order of use, and a look-up, which is what there are most of, moves nothing.
 */
export class AnswerCache {
  readonly #entries = new Map<string, Entry>();
  /** Which answers speak of a certificate. */
  readonly #about = new Map<string, string[]>();
  readonly #most: number;

  constructor(most = MOST) {
    this.#most = most;
  }

  get size(): number {
    return this.#entries.size;
  }

  get(asked: string): Entry | undefined {
    const entry = this.#entries.get(asked);
    if (entry !== undefined) entry.wasAsked = true;
    return entry;
  }

  set(asked: string, answer: OcspAnswer, reuseUntil: number, ids: readonly CertificateId[]): void {
    this.#drop(asked);
    const about = ids.map(nameOf);
    this.#entries.set(asked, { answer, reuseUntil, about, wasAsked: false });
    for (const name of about) {
      const all = this.#about.get(name);
      if (all === undefined) this.#about.set(name, [asked]);
      else all.push(asked);
    }
    if (this.#entries.size > this.#most) this.#makeRoom();
  }

  forget(ids: readonly CertificateId[]): void {
    for (const id of ids) for (const asked of this.#about.get(nameOf(id)) ?? []) this.#drop(asked);
  }

  clear(): void {
    this.#entries.clear();
    this.#about.clear();
  }

  /** Ends: whoever is passed over loses the mark that saved it. */
  #makeRoom(): void {
    const enough = this.#most - Math.ceil(this.#most / ROOM);
    for (const [asked, entry] of this.#entries) {
      if (!entry.wasAsked) {
        this.#drop(asked);
        if (this.#entries.size <= enough) return;
        continue;
      }
      entry.wasAsked = false;
      this.#entries.delete(asked);
      this.#entries.set(asked, entry);
    }
  }

  #drop(asked: string): void {
    const entry = this.#entries.get(asked);
    this.#entries.delete(asked);
    for (const name of entry?.about ?? []) {
      const left = this.#about.get(name)?.filter((other) => other !== asked) ?? [];
      if (left.length > 0) this.#about.set(name, left);
      else this.#about.delete(name);
    }
  }
}

const nameOf = ({ issuer, serial }: CertificateId): string => `${issuer}/${toHex(serial)}`;
