import type { Transaction } from '../../licensing/ports/transactions.ts';

export type FoundCertificate = { readonly issuer: string; readonly certificate: Uint8Array };

export type Tenant = { readonly organization: string; readonly enterprise: string | undefined };

/** What an issuer signed up to a moment; without one, everything. */
export type SignedBy = { readonly issuer: string; readonly upTo?: Date | undefined };

export type Live = { readonly count: number; readonly until: Date | undefined };

/** Of certificates that were issued here. Those that have ended, or are revoked for good, are not found. */
export interface CertificateFinder {
  /** A license of the organization by its serial, also one that has ended. */
  license(tx: Transaction, organization: string, serial: Uint8Array): Promise<FoundCertificate | undefined>;
  /** The CA certificates of the tenant itself. */
  authorities(tx: Transaction, tenant: Tenant, at: Date): Promise<readonly FoundCertificate[]>;
  /** The CA certificates right below an issuer. */
  below(tx: Transaction, issuer: string, at: Date): Promise<readonly FoundCertificate[]>;
  /** How many others there are by these issuers, responders aside, and until when. */
  live(tx: Transaction, signed: readonly SignedBy[], at: Date): Promise<Live>;
}
