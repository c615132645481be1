import type { Mode } from '@licet/format';
import type { Transaction } from './transactions.ts';

export type UsageReport = {
  readonly organization: string;
  readonly enterprise: string;
  readonly contract: string;
  readonly site: string;
  /** Chosen by who reports: the same report again is the same. */
  readonly id: string;
  readonly mode: Mode;
  /** Half open. */
  readonly from: Date;
  readonly to: Date;
  /** The most at one time in the period, by role. */
  readonly users: Readonly<Record<string, number>>;
  /** The most at one time in the period, by code of a limit. */
  readonly usage: Readonly<Record<string, number>>;
  /** SHA-256 of what was reported. */
  readonly digest: Uint8Array;
};

export type UsageQuery = {
  readonly from: Date;
  readonly to: Date;
  readonly enterprise?: string;
  readonly mode?: Mode;
};

export type UsageAggregate = {
  readonly enterprise: string;
  readonly mode: Mode;
  /** Sites that had a license in the time. */
  readonly sites: number;
  /** Sites of these that reported. */
  readonly reporting: number;
  /** By role: the highest report of each site, summed over the sites. */
  readonly users: Readonly<Record<string, number>>;
};

export interface Usage {
  /** `repeated`: this very report is there. `conflicting`: another one with its id is. */
  add(tx: Transaction, report: UsageReport, at: Date): Promise<'added' | 'repeated' | 'conflicting'>;
  aggregate(tx: Transaction, query: UsageQuery): Promise<readonly UsageAggregate[]>;
}
