import { LicetError } from './errors.ts';
import type { Entity } from './model/entity.ts';
import { newId } from './model/id.ts';
import type { Principal } from './model/principal.ts';
import type { Clock } from './ports/clock.ts';
import type { Random } from './ports/random.ts';

/** The common part of a thing that is made now. */
export function newEntity(deps: { clock: Clock; random: Random }, organization: string, at: Date): Entity {
  return { id: newId(deps.clock, deps.random), organization, createdAt: at, updatedAt: at, version: 1 };
}

/** The next version of a thing. */
export function changed<T extends Entity>(entity: T, at: Date, changes: Partial<T>): T {
  return { ...entity, ...changes, updatedAt: at, version: entity.version + 1 };
}

/** The thing, or "not found": also when it belongs to another enterprise than the only one that the actor may see. */
export function found<T>(
  thing: string,
  entity: T | undefined,
  actor?: Pick<Principal, 'enterprise'>,
  enterprise?: (entity: T) => string,
): T {
  const hidden = entity !== undefined && actor?.enterprise !== undefined && enterprise?.(entity) !== actor.enterprise;
  if (entity !== undefined && !hidden) return entity;
  const code = `${thing.toUpperCase().replaceAll(' ', '_')}_NOT_FOUND`;
  throw new LicetError('not-found', code, `There is no such ${thing}; look for its id in the list.`);
}

/** Refuses to change what the caller has not seen. Without a version the caller does not care. */
export function assertSeen(thing: string, { version }: Entity, seen: number | undefined): void {
  if (seen === undefined || seen === version) return;
  throw new LicetError('stale', 'VERSION_STALE', `The ${thing} was changed meanwhile; read it again and repeat.`);
}

/** What belongs to the organization as a whole is not for those who see one enterprise of it. */
export function assertWholeOrganization({ enterprise }: Principal): void {
  if (enterprise === undefined) return;
  throw new LicetError('forbidden', 'ORGANIZATION_ONLY', 'Only the organization itself may do this; ask your vendor.');
}
