import type { IdempotencyKeys, KeptAnswer, KeyedRequest } from './ports/idempotency.ts';
import type { Transaction, Transactions } from './ports/transactions.ts';

export type IdempotentDependencies = { readonly transactions: Transactions; readonly keys: IdempotencyKeys };

export type IdempotentOptions = {
  /** After a crash, the next who asks waits this long at most. Longer than any request may take. Default 15. */
  readonly leaseSeconds?: number;
  /** Default 24; for issuing, as long as the license lives. */
  readonly retentionHours?: number;
  /** The answer to an error that is final, so that it is kept too; undefined for one that may pass. */
  readonly answerTo?: (error: unknown) => KeptAnswer | undefined;
};

/**
 * Keeps the answer in the transaction that commits the effect, so that there is never the one without the other. `work`
 * calls it once, as the last thing in its last transaction, and resolves to the same answer.
 */
export type Keep = (tx: Transaction, answer: KeptAnswer) => Promise<void>;

/**
 * Does the work of a request once, however often it is sent, and answers every time the same. What fails for a reason
 * that may pass leaves the key free, and so does a commit whose outcome is unknown: if it was done after all, the answer
 * is there when the client asks again.
 */
export async function idempotent(
  { transactions, keys }: IdempotentDependencies,
  request: KeyedRequest,
  work: (keep: Keep) => Promise<KeptAnswer>,
  { leaseSeconds = 15, retentionHours = 24, answerTo = () => undefined }: IdempotentOptions = {},
): Promise<KeptAnswer> {
  const scope = { organization: request.organization };
  const begun = await transactions.run(scope, (tx) => keys.begin(tx, request, leaseSeconds));
  if ('answer' in begun) return begun.answer;
  const { claim } = begun;
  const keep: Keep = (tx, answer) => keys.finish(tx, claim, answer, retentionHours);
  try {
    return await work(keep);
  } catch (error) {
    const answer = answerTo(error);
    if (answer === undefined) {
      // Waits for a COMMIT that is still on its way, and does nothing when that has kept an answer.
      await transactions.run(scope, (tx) => keys.release(tx, claim)).catch(() => undefined);
      throw error;
    }
    await transactions.run(scope, (tx) => keep(tx, answer));
    return answer;
  }
}
