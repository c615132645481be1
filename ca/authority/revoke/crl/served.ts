import type { Clock } from '../../ports/clock.ts';
import type { PublishedCrl, RevocationStore, ShardId } from '../../ports/revocation-store.ts';

export type ServedCrl = {
  readonly der: Uint8Array;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Undefined while another one may still be published, or served elsewhere, that has the same date to the second. */
  readonly modifiedAt: Date | undefined;
  readonly etag: string;
};

export type ServedCrlsDeps = {
  readonly store: Pick<RevocationStore, 'published' | 'parts'>;
  readonly clock: Clock;
  /** The issuer whose key has this identifier, in hex; undefined: it is none of ours. */
  readonly issuerOf: (keyIdentifier: string) => Promise<string | undefined>;
  /** Sees to it that a CA of ours has the list that was asked for and is not there, before that is said; or throws. */
  readonly welcome?: (shard: ShardId) => Promise<void>;
  readonly report: (error: unknown) => void;
  readonly mostBytes?: number;
};

type Kept = { readonly crl: PublishedCrl; served: ServedCrl; lookedAt: number; looking: Promise<void> | undefined };

/** How long a CRL is served without asking whether there is a newer one. */
const TRUST_MS = 1000;
/** Dates of HTTP know no fractions: somebody who has the first of two lists of one second would be told that it is the last. */
const SETTLED_MS = 1000 + 2 * TRUST_MS;
const MOST_BYTES = 128 * 1024 * 1024;
/** Another process replaced the CRL while we read it; it does not do so time and again. */
const TRIES = 3;

/**
 * The CRLs in force as they are served: in memory as long as there is room, looked after in the database at most once a
 * second, and served on while the database is away.
 */
export class ServedCrls {
  readonly #deps: ServedCrlsDeps;
  readonly #kept = new Map<string, Kept>();
  readonly #loading = new Map<string, Promise<ServedCrl | undefined>>();
  #bytes = 0;

  constructor(deps: ServedCrlsDeps) {
    this.#deps = deps;
  }

  async get(keyIdentifier: string, shard: number): Promise<ServedCrl | undefined> {
    const name = `${keyIdentifier}/${shard}`;
    const kept = this.#kept.get(name);
    if (kept !== undefined) return this.#renewed(name, kept);
    const loading = this.#loading.get(name) ?? this.#firstLoad(name, keyIdentifier, shard);
    return loading;
  }

  #firstLoad(name: string, keyIdentifier: string, shard: number): Promise<ServedCrl | undefined> {
    const load = async () => {
      const issuer = await this.#deps.issuerOf(keyIdentifier);
      return issuer === undefined ? undefined : this.#loadOrMake(name, { issuer, shard });
    };
    const loading = load().finally(() => this.#loading.delete(name));
    this.#loading.set(name, loading);
    return loading;
  }

  async #loadOrMake(name: string, shard: ShardId): Promise<ServedCrl | undefined> {
    const found = await this.#load(name, shard);
    if (found !== undefined || this.#deps.welcome === undefined) return found;
    await this.#deps.welcome(shard);
    return this.#load(name, shard);
  }

  async #renewed(name: string, kept: Kept): Promise<ServedCrl> {
    // In the order of the last use.
    this.#kept.delete(name);
    this.#kept.set(name, kept);
    if (Math.abs(this.#deps.clock.now().getTime() - kept.lookedAt) >= TRUST_MS) {
      kept.looking ??= this.#look(name, kept).finally(() => (kept.looking = undefined));
      await kept.looking;
    }
    return this.#kept.get(name)?.served ?? kept.served;
  }

  async #look(name: string, kept: Kept): Promise<void> {
    try {
      const present = await this.#deps.store.published(kept.crl);
      if (present !== undefined && present.number !== kept.crl.number) await this.#load(name, kept.crl);
      else kept.served = { ...kept.served, modifiedAt: this.#modifiedAt(kept.crl) };
    } catch (error) {
      this.#deps.report(error);
    }
    kept.lookedAt = this.#deps.clock.now().getTime();
  }

  async #load(name: string, shard: ShardId): Promise<ServedCrl | undefined> {
    for (let attempt = 1; ; attempt += 1) {
      const crl = await this.#deps.store.published(shard);
      if (crl === undefined) return undefined;
      try {
        return this.#keep(name, crl, await this.#read(crl));
      } catch (error) {
        if (attempt === TRIES) throw error;
      }
    }
  }

  /** Part by part to where it stays: of a million entries there are 50 MB, once. */
  async #read(crl: PublishedCrl): Promise<Uint8Array> {
    const der = new Uint8Array(crl.size);
    let at = 0;
    for await (const part of this.#deps.store.parts(crl)) {
      der.set(part, at);
      at += part.length;
    }
    return der;
  }

  #modifiedAt({ publishedAt }: PublishedCrl): Date | undefined {
    return this.#deps.clock.now().getTime() - publishedAt.getTime() >= SETTLED_MS ? publishedAt : undefined;
  }

  #keep(name: string, crl: PublishedCrl, der: Uint8Array): ServedCrl {
    const { thisUpdate, nextUpdate, sha256 } = crl;
    const etag = `"${Buffer.from(sha256).toString('base64url')}"`;
    const served = { der, thisUpdate, nextUpdate, modifiedAt: this.#modifiedAt(crl), etag };
    this.#drop(name);
    this.#kept.set(name, { crl, served, lookedAt: this.#deps.clock.now().getTime(), looking: undefined });
    this.#bytes += der.length;
    for (const [oldest] of this.#kept) {
      if (this.#bytes <= (this.#deps.mostBytes ?? MOST_BYTES) || oldest === name) break;
      this.#drop(oldest);
    }
    return served;
  }

  #drop(name: string): void {
    this.#bytes -= this.#kept.get(name)?.served.der.length ?? 0;
    this.#kept.delete(name);
  }
}
