import type { Transaction } from './transactions.ts';

/** A dangerous act as it was asked for: the same act on the same subject with the same input. */
export type Act = {
  /** e.g. `contract.above-plan`. */
  readonly kind: string;
  readonly subject: string;
  /** SHA-256 of the input. */
  readonly digest: Uint8Array;
};

export type Approval = Act & {
  readonly id: string;
  readonly requestedBy: string;
  readonly requestedAt: Date;
  readonly approvedBy: string | undefined;
  readonly expiresAt: Date;
};

/** Acts that wait for a second person. */
export interface Approvals {
  /** Asks for one, or returns the open one for the same act. */
  request(tx: Transaction, act: Act, by: string, id: string, at: Date): Promise<Approval>;
  get(tx: Transaction, id: string): Promise<Approval | undefined>;
  /** False: nobody waits for it, it is too old, or `by` asked for it. */
  approve(tx: Transaction, id: string, by: string, at: Date): Promise<boolean>;
  /** Uses up the approval of this act. False: there is none in force. */
  spend(tx: Transaction, act: Act, at: Date): Promise<boolean>;
  open(tx: Transaction, at: Date, limit: number): Promise<readonly Approval[]>;
}
