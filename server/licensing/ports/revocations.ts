import type {
  BegunOrder,
  BulkOptions,
  CertificateId,
  KnownCertificate,
  OrderProgress,
  RevocationEvent,
  RevocationOrder,
  RevocationState,
} from '@licet/authority';
import type { Claims } from '@licet/format';
import type { Transaction } from './transactions.ts';

/**
 * Of which certificates: by name, or CA certificates that were issued here for an enterprise (by its slug). Those are all
 * of them; or those of the CAs that it keeps itself for one contract, which are out of office when they are revoked; or
 * those that say more than `above`, of the contract that it names.
 */
export type ChangedCertificates =
  | readonly CertificateId[]
  | { readonly enterprise: string; readonly delegatedFor?: string }
  | { readonly enterprise: string; readonly above: Claims };

/** What CRL and OCSP shall say from now on. */
export type StatusChange = {
  readonly event: RevocationEvent;
  readonly of: ChangedCertificates;
  /** For the audit log: where it came from. */
  readonly context: RevocationOrder['context'];
  /** Told, before the commit, of how many certificates the status was changed. */
  readonly counted?: (changed: number) => void;
};

/**
 * The authority's revocations as use cases see them. What it refuses comes as a LicetError of the same code; the licenses
 * that a change is about follow in its transaction: see `createLicenseFollower`.
 */
export interface Revocations {
  /**
   * In the journal, in the database and in the audit log when it resolves. Asking for what is so already succeeds; rejects
   * with ALREADY_REVOKED, NOT_HELD or NOT_ISSUED, and then nothing was done.
   */
  change(order: RevocationOrder, certificate: CertificateId): Promise<RevocationState>;
  /**
   * In the caller's transaction, after everything that could refuse it: in the journal when it resolves, and true with the
   * commit, after which the caller calls what it resolves to. What is so already, or cannot change any more, is passed
   * over.
   */
  within(
    tx: Transaction,
    by: Pick<RevocationOrder, 'organization' | 'principal'> & { readonly at: Date },
    changes: readonly StatusChange[],
  ): Promise<() => void>;
  /**
   * In the caller's transaction, with the approval that it may have needed: an order that `changeAll` carries on. One of
   * that name that is there already stays.
   */
  begin(
    tx: Transaction,
    order: RevocationOrder,
    certificates: readonly CertificateId[],
    as: { readonly id: string; readonly at: Date },
  ): Promise<void>;
  /** As far as it comes until `options.signal` is aborted; the same order again carries on there. */
  changeAll(
    order: RevocationOrder,
    certificates: readonly CertificateId[],
    options: BulkOptions,
  ): Promise<OrderProgress>;
  /** How far an order over many has come; undefined: it was not begun. */
  progress(organization: string, order: string): Promise<BegunOrder | undefined>;
  /** In order; undefined for what was never issued. */
  find(certificates: readonly CertificateId[]): Promise<readonly (KnownCertificate | undefined)[]>;
}
