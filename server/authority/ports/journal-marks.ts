import type { Issued } from '@licet/authority';
import type { Transaction } from '../../licensing/ports/transactions.ts';

/** Up to this entry, inclusive, everything in the journal is known to the database. */
export type JournalMark = { readonly sequence: bigint; readonly hash: Uint8Array; readonly at: Date };

/** A journal is known by the hash of its first entry. */
export interface JournalMarks {
  get(tx: Transaction, journal: Uint8Array): Promise<JournalMark | undefined>;
  /** Moves forward only: the mark of another process that is further stays. */
  advance(tx: Transaction, journal: Uint8Array, mark: JournalMark): Promise<void>;
  /** The only one from here on, wherever this or another journal had one. */
  replace(tx: Transaction, journal: Uint8Array, mark: JournalMark): Promise<void>;
}

export type SerialNumber = { readonly issuer: string; readonly serial: Uint8Array };

/** What the journal knows of an order that the database does not. */
export type LostOrder = SerialNumber & {
  readonly organization: string;
  readonly crlShard: number;
  readonly notAfter: Date;
  /** In seconds, of its claims. */
  readonly grace: number;
};

/**
 * How the owner of a public key begins that is not told by its certificate: whoever asks for the next one, and so has the
 * private key, is its owner.
 */
export const UNKNOWN_OWNER = 'reconciled ';

/** Puts back what a restored backup has forgotten. */
export interface CertificateRecords {
  /** One answer per serial, in order. */
  known(tx: Transaction, serials: readonly SerialNumber[]): Promise<readonly boolean[]>;
  /** Certificates with their serials, audit entries and events; what is there already is left as it is. */
  rebuild(tx: Transaction, issued: readonly Issued[]): Promise<number>;
  /** Orders without a signature: nothing left, but the serial is taken for ever. */
  takeSerials(tx: Transaction, orders: readonly LostOrder[]): Promise<number>;
}
