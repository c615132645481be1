import type {
  BulkOptions,
  CertificateId,
  KnownCertificate,
  OrderProgress,
  RevocationOrder,
  RevocationState,
} from '@licet/authority';

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
  /** As far as it comes until `options.signal` is aborted; the same order again carries on there. */
  changeAll(
    order: RevocationOrder,
    certificates: readonly CertificateId[],
    options: BulkOptions,
  ): Promise<OrderProgress>;
  /** How far an order over many has come; undefined: it was not begun. */
  progress(organization: string, order: string): Promise<OrderProgress | undefined>;
  /** In order; undefined for what was never issued. */
  find(certificates: readonly CertificateId[]): Promise<readonly (KnownCertificate | undefined)[]>;
}
