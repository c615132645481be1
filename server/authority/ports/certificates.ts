import type { Transaction } from '../../licensing/ports/transactions.ts';

export type FoundCertificate = { readonly issuer: string; readonly certificate: Uint8Array };

export interface CertificateFinder {
  /** A license of the organization by its serial. */
  license(tx: Transaction, organization: string, serial: Uint8Array): Promise<FoundCertificate | undefined>;
}
