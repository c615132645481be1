import { hash } from 'node:crypto';
import { canonicalJson } from '../canonical-json.ts';
import { LicetError } from '../errors.ts';
import { newId } from '../model/id.ts';
import type { Principal } from '../model/principal.ts';
import type { Act } from '../ports/approvals.ts';
import { type Dependencies, inTransaction, type Work } from '../use-case.ts';

export const actOf = (kind: string, subject: string, input: unknown): Act => ({
  kind,
  subject,
  digest: hash('sha256', canonicalJson(JSON.parse(JSON.stringify(input))), 'buffer'),
});

/** Thrown out of a transaction that found that its act needs a second person. */
class ApprovalNeeded extends Error {
  readonly act: Act;
  constructor(act: Act) {
    super(`${act.kind} needs an approval`);
    this.act = act;
  }
}

/** Uses up the approval of the act, where the organization wants a second person for it. */
export async function demandApproval({ stores }: Dependencies, { tx, at }: Work, organization: string, act: Act) {
  const [settings] = (await stores.organizations.list(tx, { where: { slug: organization }, limit: 1 })).items;
  if (settings?.settings.secondPerson !== true) return;
  if (!(await stores.approvals.spend(tx, act, at))) throw new ApprovalNeeded(act);
}

/**
 * As `inTransaction`, for work that may need an approval: when it does and has none, nothing of it is done, and the
 * approval is asked for instead.
 */
export async function withApproval<T>(
  deps: Dependencies,
  actor: Principal,
  work: (work: Work) => Promise<T>,
): Promise<T> {
  try {
    return await inTransaction(deps, actor, work);
  } catch (error) {
    if (!(error instanceof ApprovalNeeded)) throw error;
    const { act } = error;
    const approval = await inTransaction(deps, actor, async ({ tx, at, note }) => {
      const asked = await deps.stores.approvals.request(tx, act, actor.id, newId(deps.clock, deps.random), at);
      note({
        action: 'approval.requested',
        subject: `approval:${asked.id}`,
        details: { act: act.kind, about: act.subject },
      });
      return asked;
    });
    throw new LicetError(
      'forbidden',
      'APPROVAL_NEEDED',
      `A second person must approve this: have approval ${approval.id} given, then repeat the same request.`,
    );
  }
}
