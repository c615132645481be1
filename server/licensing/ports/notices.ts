import type { Transaction } from './transactions.ts';

export type ExpiringLicense = {
  readonly organization: string;
  readonly serial: string;
  readonly enterprise: string;
  readonly site: string;
  readonly lineage: string;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** How many of the fractions of its life are over. */
  readonly stage: number;
};

export type EndingContract = {
  readonly organization: string;
  readonly contract: string;
  readonly enterprise: string;
  readonly endsAt: Date;
  /** The threshold that was reached, in days. */
  readonly days: number;
};

export type OverdueSite = {
  readonly organization: string;
  readonly site: string;
  readonly enterprise: string;
  readonly lastReport: Date | undefined;
  /** Of the alert: the same for as long as no report comes. */
  readonly key: string;
};

/**
 * What time alone makes true, found and marked as told in one statement each, so that it is told once however many
 * processes look. In the scope of the platform.
 */
export interface Notices {
  /** Current licenses that have passed a fraction of their life (in ascending order; 1: expired) not yet told of. */
  expiring(tx: Transaction, fractions: readonly number[], at: Date, limit: number): Promise<readonly ExpiringLicense[]>;
  /** Contracts that end within one of so many days (descending), not yet told of for this end. */
  ending(tx: Transaction, days: readonly number[], at: Date, limit: number): Promise<readonly EndingContract[]>;
  /** Active sites whose contract demands reports, that have not reported in time and have no alert for that yet. */
  overdue(tx: Transaction, at: Date, limit: number): Promise<readonly OverdueSite[]>;
}
