import type { DangerousAct } from '../access/approvals.ts';
import type { Principal } from '../model/principal.ts';
import type { Transaction } from './transactions.ts';

export type SecondPerson = {
  /**
   * Whether the act must wait: the id of the request that waits for a second person, or undefined when it need not (or not
   * any more, and then the approval is used up with the transaction).
   */
  readonly mustWait: (tx: Transaction, principal: Principal, act: DangerousAct) => Promise<string | undefined>;
  /** Rejects with OWNERS_NEEDED while the organization has too few owners to ask for a second person. */
  readonly assertPossible: (tx: Transaction, organization: string) => Promise<void>;
};
