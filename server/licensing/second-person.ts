import { withApproval } from './access/approvals.ts';
import type { DangerousAct } from './access/approvals.ts';
import { assertSecondPersonPossible } from './access/last-owner.ts';
import type { AccessDeps } from './access/ports.ts';
import { LicetError } from './errors.ts';
import type { Principal } from './model/principal.ts';
import type { SecondPerson } from './ports/second-person.ts';
import { type Dependencies, inTransaction, type Work } from './use-case.ts';

export const createSecondPerson = (access: AccessDeps): SecondPerson => ({
  async mustWait(tx, principal, act) {
    const guarded = await withApproval(access, tx, principal, act, () => Promise.resolve());
    return guarded.outcome === 'waiting' ? guarded.approval.id : undefined;
  },
  assertPossible: (tx, organization) => assertSecondPersonPossible(access, tx, organization),
});

/** Thrown out of a transaction that found that its act must wait: nothing of it may stay. */
class MustWait extends Error {
  readonly act: DangerousAct;
  constructor(act: DangerousAct) {
    super(`${act.action} needs a second person`);
    this.act = act;
  }
}

/** For use within `withSecondPerson`. */
export async function demandSecondPerson(
  { secondPerson }: Dependencies,
  { tx }: Work,
  actor: Principal,
  act: DangerousAct,
): Promise<void> {
  if ((await secondPerson.mustWait(tx, actor, act)) !== undefined) throw new MustWait(act);
}

/**
 * As `inTransaction`, for work of which only its rule can say whether it needs a second person: when it does, nothing of
 * it is done, and the approval is asked for instead.
 */
export async function withSecondPerson<T>(
  deps: Dependencies,
  actor: Principal,
  work: (work: Work) => Promise<T>,
): Promise<T> {
  try {
    return await inTransaction(deps, actor, work);
  } catch (error) {
    if (!(error instanceof MustWait)) throw error;
    const { act } = error;
    const approval = await inTransaction(deps, actor, ({ tx }) => deps.secondPerson.mustWait(tx, actor, act));
    throw new LicetError(
      'forbidden',
      'APPROVAL_NEEDED',
      `A second person must approve this: have request ${approval ?? ''} approved, then send the same again.`,
    );
  }
}
