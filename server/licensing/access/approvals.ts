import { createHash } from 'node:crypto';
import { canonicalJson } from '../canonical-json.ts';
import { LicetError } from '../errors.ts';
import type { Principal } from '../model/principal.ts';
import type { EventType } from '../notices/catalog.ts';
import type { Transaction } from '../ports/transactions.ts';
import type { DangerousAction } from './actions.ts';
import { authorize, boundsOf } from './authorize.ts';
import { type Approval, responsibleFor } from './model.ts';
import type { AccessDeps } from './ports.ts';
import { after, announce, changed, newEntity, organizationOf, plainJson } from './record.ts';

/** Two working days and a night. */
const APPROVAL_SECONDS = 72 * 60 * 60;

export type DangerousAct = {
  readonly action: DangerousAction;
  /** What it is done to, e.g. `enterprise:…`. */
  readonly subject: string;
  /** Everything that decides what will be done: the second person approves exactly this. No secrets. */
  readonly payload: unknown;
};

export type Guarded<T> =
  | { readonly outcome: 'done'; readonly result: T }
  /** Nothing was done. Sent again, unchanged and by the same principal, after the approval, it will be. */
  | { readonly outcome: 'waiting'; readonly approval: Approval };

/**
 * Does `work` at once where the organization does not ask for a second person. Otherwise the first call leaves a request
 * for approval; the same call again, by the same principal, does the work when another person has approved, and once.
 * Rejects first who has no right to the act, whatever else the principal may do that led here.
 */
export async function withApproval<T>(
  deps: AccessDeps,
  tx: Transaction,
  principal: Principal,
  act: DangerousAct,
  work: () => Promise<T>,
): Promise<Guarded<T>> {
  boundsOf(principal, act.action);
  const organization = await organizationOf(tx, deps, principal.organization);
  if (organization?.settings.secondPerson !== true) return { outcome: 'done', result: await work() };
  // Otherwise somebody who holds a token that nobody answers for, and an account, would be two persons.
  if (!responsibleFor(principal).startsWith('person:')) {
    const message =
      'This needs two persons, and no person answers for this token; sign in, or use a token of your own.';
    throw new LicetError('forbidden', 'PERSON_REQUIRED', message);
  }
  const open = await findOpen(deps, tx, principal, digestOf(act));
  if (open?.status !== 'approved')
    return { outcome: 'waiting', approval: open ?? (await ask(deps, tx, principal, act)) };
  await deps.stores.approvals.replace(tx, changed(deps, open, { status: 'used' }));
  return { outcome: 'done', result: await work() };
}

/** The request for this very act by this very principal that is not over, locked. */
async function findOpen(
  deps: AccessDeps,
  tx: Transaction,
  principal: Principal,
  digest: string,
): Promise<Approval | undefined> {
  const { approvals } = deps.stores;
  for (const status of ['approved', 'waiting'] as const) {
    const where = { requestedBy: principal.id, digest, status };
    const { items } = await approvals.list(tx, { where, limit: 1 });
    const found = items[0] && (await approvals.lock(tx, items[0].id));
    if (found === undefined || !isOpen(found)) continue;
    if (found.expiresAt.getTime() > deps.clock.now().getTime()) return found;
    await approvals.replace(tx, changed(deps, found, { status: 'expired' }));
  }
  return undefined;
}

const isOpen = ({ status }: Approval): boolean => status === 'waiting' || status === 'approved';

async function ask(deps: AccessDeps, tx: Transaction, principal: Principal, act: DangerousAct): Promise<Approval> {
  const { action, subject, payload } = act;
  const approval: Approval = {
    ...newEntity(deps, principal.organization),
    action,
    subject,
    payload: plainJson(payload),
    digest: digestOf(act),
    requestedBy: principal.id,
    responsible: responsibleFor(principal),
    status: 'waiting',
    decidedBy: undefined,
    expiresAt: after(deps.clock.now(), APPROVAL_SECONDS),
  };
  await deps.stores.approvals.insert(tx, approval);
  await tell(deps, tx, principal, approval, 'approval.requested');
  return approval;
}

/** By another person than who asked, and one who has the right to the act itself. */
export async function decideApproval(
  deps: AccessDeps,
  tx: Transaction,
  principal: Principal,
  id: string,
  decision: 'approved' | 'declined',
): Promise<Approval> {
  const approval = await deps.stores.approvals.lock(tx, id);
  authorize(principal, 'approval.decide', approval);
  boundsOf(principal, approval.action);
  if (principal.kind !== 'person')
    throw refused(
      'APPROVER_NO_PERSON',
      'Only a person who has signed in can decide this; docs/cli.md says how ("As a person").',
    );
  if (principal.id === approval.requestedBy || principal.id === approval.responsible) {
    throw refused('APPROVER_SAME_PERSON', 'You asked for this yourself; another person must decide it.');
  }
  if (approval.status !== 'waiting' || approval.expiresAt.getTime() <= deps.clock.now().getTime()) {
    throw new LicetError('conflict', 'APPROVAL_OVER', 'This request is decided or has expired; ask for the act again.');
  }
  const decided = changed(deps, approval, { status: decision, decidedBy: principal.id });
  await deps.stores.approvals.replace(tx, decided);
  await tell(deps, tx, principal, decided, `approval.${decision}`);
  return decided;
}

const refused = (code: string, message: string): LicetError => new LicetError('forbidden', code, message);

function tell(deps: AccessDeps, tx: Transaction, who: Principal, approval: Approval, action: EventType): Promise<void> {
  const details = { act: approval.action, on: approval.subject, digest: approval.digest };
  return announce(tx, deps, who.organization, { actor: who.id, action, subject: `approval:${approval.id}`, details });
}

function digestOf({ action, subject, payload }: DangerousAct): string {
  return createHash('sha256')
    .update(canonicalJson([action, subject, plainJson(payload)]))
    .digest('hex');
}
