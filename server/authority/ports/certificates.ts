import type { LicenseName } from '../../licensing/ports/issuance.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';

export type FoundCertificate = { readonly issuer: string; readonly certificate: Uint8Array };

/** `isBlocked`: others have its private half. */
export type KnownKey = { readonly owner: string; readonly isBlocked: boolean };

export type Tenant = { readonly organization: string; readonly enterprise: string | undefined };

/** What an issuer signed up to a moment; without one, everything. */
export type SignedBy = { readonly issuer: string; readonly upTo?: Date | undefined };

export type Live = { readonly count: number; readonly until: Date | undefined };

/** Of certificates that were issued here. Those that have ended, or are revoked for good, are not found. */
export interface CertificateFinder {
  /** Licenses by their serials, in order, also those that have ended. Names may be of several organizations. */
  licenses(tx: Transaction, names: readonly LicenseName[]): Promise<readonly (FoundCertificate | undefined)[]>;
  /** Whose a public key is, by its SHA-256; undefined: nobody's yet. */
  key(tx: Transaction, publicKey: Uint8Array): Promise<KnownKey | undefined>;
  /** The CA certificates of the tenant itself. */
  authorities(tx: Transaction, tenant: Tenant, at: Date): Promise<readonly FoundCertificate[]>;
  /** The CA certificates right below an issuer, also in their grace. */
  below(tx: Transaction, issuer: string, at: Date): Promise<readonly FoundCertificate[]>;
  /** How many others there are by these issuers, responders aside, and until when they work, their grace included. */
  live(tx: Transaction, signed: readonly SignedBy[], at: Date): Promise<Live>;
}
