import { z } from 'zod';
import { demandSecondPerson, withSecondPerson } from '../second-person.ts';
import { changed, found, newEntity, assertSeen, assertWholeOrganization } from '../entities.ts';
import { displayName, slug, version } from '../fields.ts';
import { LicetError } from '../errors.ts';
import type { Organization } from '../model/organization.ts';
import type { Transaction } from '../ports/transactions.ts';
import { type Dependencies, inTransaction, reading, useCase } from '../use-case.ts';

const settings = z
  .strictObject({
    secondPerson: z.boolean().describe('Dangerous acts wait for a second person.').meta({ example: false }),
    onFork: z
      .enum(['alarm', 'quarantine-later', 'quarantine-both'])
      .describe(
        'What happens to the branches of a license that was renewed twice: only an alarm, no license for the later, or none for both.',
      )
      .meta({ example: 'quarantine-later' }),
  })
  .describe('How the organization wants things done.');

/** For who sets up a server: the organization whose slug the actor carries comes into being. */
export const createOrganization = useCase(
  z.strictObject({ slug: slug('The short name of the organization'), name: displayName, settings }),
  (deps, actor, input) =>
    inTransaction(deps, actor, async ({ tx, at, note }) => {
      if (input.slug !== actor.organization) {
        throw new LicetError(
          'invalid',
          'SLUG_MISMATCH',
          `You act for "${actor.organization}"; create it under that name.`,
          {
            pointer: '/slug',
          },
        );
      }
      const organization: Organization = { ...newEntity(deps, input.slug, at), ...input, status: 'active' };
      await deps.stores.organizations.insert(tx, organization);
      note({ action: 'organization.created', subject: `organization:${organization.id}` });
      return organization;
    }),
);

export async function ownOrganization({ stores }: Dependencies, tx: Transaction, slug: string): Promise<Organization> {
  const { items } = await stores.organizations.list(tx, { where: { slug }, limit: 1 });
  return found('organization', items[0]);
}

export const readOrganization = useCase(z.strictObject({}), (deps, actor) =>
  reading(deps, actor, (tx) => ownOrganization(deps, tx, actor.organization)),
);

export const changeOrganization = useCase(
  z.strictObject({ version, name: displayName.optional(), settings: settings.partial().optional() }),
  (deps, actor, input) =>
    withSecondPerson(deps, actor, async (work) => {
      const { tx, at, note } = work;
      assertWholeOrganization(actor);
      const before = await ownOrganization(deps, tx, actor.organization);
      assertSeen('organization', before, input.version);
      const { name = before.name, settings: changes } = input;
      // zod leaves out what was not given; the spread keeps what was.
      const after = changed(before, at, { name, settings: { ...before.settings, ...stripped(changes) } });
      if (before.settings.secondPerson && !after.settings.secondPerson) {
        const act = { action: 'organization.relax', subject: `organization:${after.id}`, payload: {} } as const;
        await demandSecondPerson(deps, work, actor, act);
      }
      if (!before.settings.secondPerson && after.settings.secondPerson) {
        await deps.secondPerson.assertPossible(tx, actor.organization);
      }
      await deps.stores.organizations.replace(tx, after);
      note({
        action: 'organization.changed',
        subject: `organization:${after.id}`,
        details: { settings: after.settings },
      });
      return after;
    }),
);

function stripped<T extends object>(changes: T | undefined): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(changes ?? {}).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}

const STATUS_INPUT = z.strictObject({});

/** For the operator of the server: nothing is issued for a suspended organization. */
export const suspendOrganization = useCase(STATUS_INPUT, (deps, actor) => setStatus(deps, actor, 'suspended'));
export const reinstateOrganization = useCase(STATUS_INPUT, (deps, actor) => setStatus(deps, actor, 'active'));

function setStatus(
  deps: Dependencies,
  actor: { organization: string; id: string },
  status: Organization['status'],
): Promise<Organization> {
  return inTransaction(deps, actor, async ({ tx, at, note }) => {
    const before = await ownOrganization(deps, tx, actor.organization);
    if (before.status === status) {
      throw new LicetError('conflict', 'TRANSITION_REFUSED', `This organization is ${status} already.`);
    }
    const after = changed(before, at, { status });
    await deps.stores.organizations.replace(tx, after);
    const action = status === 'active' ? 'organization.reinstated' : 'organization.suspended';
    note({ action, subject: `organization:${after.id}` });
    return after;
  });
}
