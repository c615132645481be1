import type { Guarded } from '../../licensing/access/approvals.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import type { Principal } from '../../licensing/model/principal.ts';
import { found } from '../../licensing/entities.ts';
import { LicetError } from '../../licensing/errors.ts';
import type { Use } from './endpoint.ts';

/** Nothing was done yet, and the caller must know what to do about it: said as where the licensing asks for it. */
export function done<T>(guarded: Guarded<T>): T {
  if (guarded.outcome === 'done') return guarded.result;
  const message = `A second person must approve this: have request ${guarded.approval.id} approved, then send the same again.`;
  throw new LicetError('forbidden', 'APPROVAL_NEEDED', message);
}

/** The use cases of access are given their transaction. */
export const within = <T>(
  { access }: Use,
  { organization }: Principal,
  work: (tx: Transaction) => Promise<T>,
): Promise<T> => access.transactions.run({ organization }, work);

/** What may end tokens, here as soon as it is true: also when nobody knows whether it is. */
export const ending = <T>({ access }: Use, act: Promise<T>): Promise<T> => act.finally(access.forgetTokens);

export const APPROVAL_REFUSALS = { APPROVAL_NEEDED: 403, PERSON_REQUIRED: 403 } as const;

/** Of what changes the status of certificates: it is journaled before it is answered, or nothing was done. */
export const JOURNAL_REFUSALS = { SIGNER_UNAVAILABLE: 503, JOURNAL_FULL: 503 } as const;

/** One that is there, and that whoever asks may reach: no account and no token for somebody else's. */
export async function assertEnterprise(
  { licensing }: Use,
  principal: Principal,
  tx: Transaction,
  id: string | undefined,
): Promise<void> {
  if (id !== undefined) found('enterprise', await licensing.stores.enterprises.get(tx, id), principal, (it) => it.id);
}
