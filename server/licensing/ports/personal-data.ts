import type { Transaction } from './transactions.ts';

/** What is kept about an enterprise, in the order of its export. */
export const ENTERPRISE_DATA = [
  'enterprise',
  'contract',
  'site',
  'license',
  'enrolment-token',
  'trust-rule',
  'usage-report',
  'alert',
  'renewal-incident',
  'person',
  'api-token',
  'webhook',
  'mail-recipient',
  'request-quota',
] as const;
export type EnterpriseData = (typeof ENTERPRISE_DATA)[number];

export type DataPage = {
  readonly rows: readonly Readonly<Record<string, unknown>>[];
  readonly next: string | undefined;
};

export interface PersonalData {
  /** Rows of one kind as they are stored, but for secrets and their digests. */
  ofEnterprise(
    tx: Transaction,
    enterprise: string,
    kind: EnterpriseData,
    query: { readonly after: string | undefined; readonly limit: number },
  ): Promise<DataPage>;
  /**
   * Names, addresses, labels and fingerprints are gone, people are erased, tokens revoked; ids, numbers, dates and amounts
   * stay. Returns how many rows of each kind were changed.
   */
  eraseEnterprise(tx: Transaction, enterprise: string, at: Date): Promise<Readonly<Record<string, number>>>;
}
