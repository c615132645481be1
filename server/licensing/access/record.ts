import type { Entity } from '../model/entity.ts';
import { newId } from '../model/id.ts';
import type { EventType } from '../notices/catalog.ts';
import type { Organization } from '../model/organization.ts';
import type { Transaction } from '../ports/transactions.ts';
import type { AccessDeps } from './ports.ts';

/** What happened, as the audit log and the events tell it: references only, never a name, an address or a secret. */
export type Happening = {
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  readonly details?: Readonly<Record<string, unknown>>;
};

/** Into the audit log; the last thing of a transaction, because the head of the chain stays locked until its end. */
export async function record(
  tx: Transaction,
  { auditLog, clock }: AccessDeps,
  organization: string,
  happening: Happening,
): Promise<void> {
  await auditLog.append(tx, [{ ...happening, organization, at: clock.now() }]);
}

/** The same, and an event for those who must act. */
export async function announce(
  tx: Transaction,
  deps: AccessDeps,
  organization: string,
  happening: Happening & { readonly action: EventType },
): Promise<void> {
  const { actor, action, subject, details = {} } = happening;
  const payload = { actor, subject, ...details };
  await deps.outbox.publish(tx, [{ organization, stream: subject, type: action, payload, at: deps.clock.now() }]);
  await record(tx, deps, organization, happening);
}

export function newEntity({ clock, random }: AccessDeps, organization: string): Entity {
  const at = clock.now();
  return { id: newId(clock, random), organization, createdAt: at, updatedAt: at, version: 1 };
}

/** The next version of a stored thing. */
export function changed<T extends Entity>({ clock }: AccessDeps, entity: T, change: Partial<T>): T {
  return { ...entity, ...change, updatedAt: clock.now(), version: entity.version + 1 };
}

export const after = (at: Date, seconds: number): Date => new Date(at.getTime() + seconds * 1000);

export async function organizationOf(
  tx: Transaction,
  deps: AccessDeps,
  slug: string,
): Promise<Organization | undefined> {
  const page = await deps.organizations.list(tx, { where: { slug }, limit: 1 });
  return page.items[0];
}

/** As it is stored and comes back: what an approval is compared by. */
export const plainJson = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
