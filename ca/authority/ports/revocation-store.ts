import type { Context } from './certificate-store.ts';
import type { RevocationEvent, RevocationState } from './revocation.ts';

export type CertificateId = {
  /** The key id of the issuer. */
  readonly issuer: string;
  /** Content octets of the INTEGER. */
  readonly serial: Uint8Array;
};

/** A serial that was reserved, whatever became of it. */
export type KnownCertificate = {
  readonly organization: string;
  readonly crlShard: number;
  /** How long it can be used: to its end, and on for the grace in its own claims. Until then it stands on CRLs. */
  readonly graceUntil: Date;
  /** Given up before a certificate left. It can be revoked all the same. */
  readonly closed: boolean;
  readonly state: RevocationState;
};

/** Who wants what done to certificates of one organization. */
export type RevocationOrder = {
  readonly organization: string;
  readonly event: RevocationEvent;
  /** Who asks, as the audit log names it. */
  readonly principal: string;
  readonly context: Context;
};

/**
 * `unchanged`: this very event, with this very reason, was the last one already. The others are codes of AuthorityError;
 * NOT_ISSUED is also said of certificates of other organizations.
 */
export type ChangeOutcome = 'applied' | 'unchanged' | 'ALREADY_REVOKED' | 'NOT_HELD' | 'NOT_ISSUED';

/** What an order over many counts. A license of a suspended site is reinstated with the site, and not by itself. */
export type CountedOutcome = ChangeOutcome | 'SITE_SUSPENDED';

export type OrderProgress = {
  /** SHA-256 of the list and of what is to be done with it. */
  readonly digest: Uint8Array;
  readonly total: number;
  readonly done: number;
  readonly outcomes: Readonly<Record<CountedOutcome, number>>;
};

/** As it was stored. */
export type BegunOrder = OrderProgress & {
  /** Of its last batch so far. */
  readonly at: Date;
};

/** Where an order over many certificates stands, written with each batch. */
export type BulkOrder = {
  readonly id: string;
  readonly progress: OrderProgress;
  /** Of those of the batch that are not to be changed, and are only counted. */
  readonly besides: readonly CountedOutcome[];
};

export type Changing = {
  /**
   * Told of those that are to be changed, when nothing can refuse them any more and nobody else can change anything: what
   * it records stands in the order of the commits. Told again when the transaction has to be begun again; a rejection is
   * that of the change.
   */
  readonly journal?: (ids: readonly CertificateId[]) => Promise<void>;
  /** Its progress is stored with the changes. */
  readonly bulk?: BulkOrder | undefined;
};

export type Enterprise = { readonly certificates: readonly CertificateId[]; readonly keys: readonly string[] };

/** One list of revoked certificates: those of one issuer whose certificates name its address. */
export type ShardId = { readonly issuer: string; readonly shard: number };

/** What is known of a published CRL without reading it. */
export type PublishedCrl = ShardId & {
  readonly number: bigint;
  readonly size: number;
  readonly entries: number;
  readonly sha256: Uint8Array;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  readonly publishedAt: Date;
  /** The last change that it knows of. */
  readonly covers: bigint;
};

/** A page of entries, packed (`revoke/crl/entries.ts`), and where the next one starts; undefined: there is none. */
export type EntryPage = { readonly packed: Uint8Array; readonly next: EntryCursor | undefined };
export type EntryCursor = { readonly graceUntil: Date; readonly serial: Uint8Array };

/** The right to publish one shard, which nobody else in any process has meanwhile. */
export type ShardHold = ShardId & { readonly hold: true };

/** Where revocations and the CRLs made from them live. Each call is durable as a whole when it resolves. */
export interface RevocationStore {
  /** In order; undefined for what was never reserved. */
  find(ids: readonly CertificateId[]): Promise<readonly (KnownCertificate | undefined)[]>;
  /**
   * Changes what `REVOCATION_STEPS` allows, each with its audit entry and event, and says what became of each id, in
   * order. Changes of all processes follow one another and are numbered in the order of their commits. Rejects with
   * ORDER_STALE when the order over many has come to another point. The public key of what is revoked because its
   * private key is known to others is blocked: no certificate is made for it.
   */
  change(
    order: RevocationOrder,
    ids: readonly CertificateId[],
    at: Date,
    how?: Changing,
  ): Promise<readonly ChangeOutcome[]>;
  /** The progress of an order over many, if it was begun. */
  order(organization: string, id: string): Promise<BegunOrder | undefined>;
  /** The CA certificates of an enterprise that can still be used, and the keys here that are or were its own. */
  enterprise(organization: string, enterprise: string, at: Date): Promise<Enterprise>;
  /** Certificates of an issuer that can still be used and are not revoked for good, responders aside; after `after`. */
  issuedBy(issuer: string, at: Date, after: Uint8Array | undefined, limit: number): Promise<readonly CertificateId[]>;

  /** The number of the last change of all. */
  lastChange(): Promise<bigint>;
  /** What was changed after that number; undefined when it is more than `limit`. */
  changedSince(change: bigint, limit: number): Promise<readonly CertificateId[] | undefined>;
  /** Of the latest changes of any kind the newest, at most `limit`: what a monitor looks for. */
  latest(limit: number): Promise<readonly (CertificateId & { readonly shard: number; readonly changedAt: Date })[]>;

  /** The present CRL of each shard, and the number of the last change in it. A shard without either is left out. */
  shards(issuers: readonly string[]): Promise<readonly ShardStanding[]>;
  /** Held and revoked certificates that can be used until `from` or later. */
  entries(shard: ShardId, from: Date, after: EntryCursor | undefined, limit: number): Promise<EntryPage>;
  /** The header and the bytes of the CRL in force, in parts: never of two different CRLs. */
  published(shard: ShardId): Promise<PublishedCrl | undefined>;
  parts(crl: PublishedCrl): AsyncIterable<Uint8Array>;
  /** Undefined: another process is at it. The hold ends with `work`, or by itself should this process end. */
  exclusively<T>(shard: ShardId, work: (hold: ShardHold) => Promise<T>): Promise<T | undefined>;
  /**
   * Replaces the CRL in force. Rejects with CRL_REFUSED unless the number is higher, when that is older than the one in
   * force (and this one not from the future), or when the hold was lost. `der` is not kept: its memory is given back
   * afterwards.
   */
  publish(hold: ShardHold, crl: PublishedCrl, der: Uint8Array): Promise<void>;
}

export type ShardStanding = ShardId & {
  readonly lastChange: bigint;
  /** When the oldest change happened that the present CRL does not know. */
  readonly behindSince: Date | undefined;
  readonly crl: PublishedCrl | undefined;
};
