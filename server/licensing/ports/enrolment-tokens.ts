import type { AskedEnrolment, EnrolmentToken } from '../model/enrolment-token.ts';
import type { Page } from './collection.ts';
import type { Transaction } from './transactions.ts';

export interface EnrolmentTokens {
  insert(tx: Transaction, token: EnrolmentToken): Promise<void>;
  /** By its hash, and nobody else uses it until the transaction ends. */
  lock(tx: Transaction, hash: Uint8Array): Promise<EnrolmentToken | undefined>;
  get(tx: Transaction, id: string): Promise<EnrolmentToken | undefined>;
  /** Binds it to the key and to what was made for it. */
  use(
    tx: Transaction,
    id: string,
    use: { readonly key: Uint8Array; readonly site: string; readonly lineage: string },
    at: Date,
  ): Promise<void>;
  /** Notes what a person has to decide about. */
  ask(tx: Transaction, id: string, asked: AskedEnrolment): Promise<void>;
  /** False: nothing of it waits for a decision. */
  decide(tx: Transaction, id: string, decision: 'given' | 'declined', by: string): Promise<boolean>;
  /**
   * Nothing came of the use with this key: another may use the token, and has to be approved anew. Its site stays. One that
   * a license came of stays used.
   */
  release(tx: Transaction, id: string, key: Uint8Array): Promise<void>;
  /** False: it was used, withdrawn, or is not there. */
  withdraw(tx: Transaction, id: string, at: Date): Promise<boolean>;
  list(
    tx: Transaction,
    query: {
      readonly enterprise?: string;
      /** Only those that wait for a decision. */
      readonly waiting?: boolean;
      readonly after?: string;
      readonly limit: number;
    },
  ): Promise<Page<EnrolmentToken>>;
}
