import type { Transaction } from './transactions.ts';

/** What is kept for a time after it is over, and then forgotten. */
export const RETAINED = ['invitation', 'api-token', 'enrolment-token', 'approval', 'alert'] as const;
export type Retained = (typeof RETAINED)[number];

/** In transactions of the platform. */
export interface Retention {
  /** Forgets up to `limit` things of a kind that were over before `before`, the oldest first. Returns how many. */
  forget(tx: Transaction, kind: Retained, before: Date, limit: number): Promise<number>;
}
