import { type FinalReason, REVOCATION_REASONS, type RevocationEvent } from '@licet/authority';
import { z } from 'zod';
import { demandSecondPerson, withSecondPerson } from '../second-person.ts';
import { assertSeen, assertWholeOrganization, changed, found, newEntity } from '../entities.ts';
import { displayName, labels, reference, slug, version } from '../fields.ts';
import { type Enterprise, ENTERPRISE_LIFE } from '../model/enterprise.ts';
import { next } from '../model/state.ts';
import type { Principal } from '../model/principal.ts';
import { type Dependencies, inTransaction, useCase, type Work } from '../use-case.ts';

export const createEnterprise = useCase(
  z.strictObject({ slug: slug('The short name of the enterprise'), name: displayName, labels: labels.default({}) }),
  (deps, actor, input) =>
    inTransaction(deps, actor, async ({ tx, at, note }) => {
      assertWholeOrganization(actor);
      const enterprise: Enterprise = {
        ...newEntity(deps, actor.organization, at),
        ...input,
        status: 'active',
        held: false,
      };
      await deps.stores.enterprises.insert(tx, enterprise);
      note({ action: 'enterprise.created', subject: `enterprise:${enterprise.id}` });
      return enterprise;
    }),
);

export const changeEnterprise = useCase(
  z.strictObject({ id: reference('enterprise'), version, name: displayName.optional(), labels: labels.optional() }),
  (deps, actor, input) =>
    inTransaction(deps, actor, async (work) => {
      const before = await lockEnterprise(deps, work, actor, input);
      const after = changed(before, work.at, {
        name: input.name ?? before.name,
        labels: input.labels ?? before.labels,
      });
      await deps.stores.enterprises.replace(work.tx, after);
      work.note({ action: 'enterprise.changed', subject: `enterprise:${after.id}` });
      return after;
    }),
);

const target = z.strictObject({ id: reference('enterprise'), version });
type Target = z.output<typeof target>;

/**
 * While it is suspended none of its sites gets a license or a renewal; those that they have run on until they end. Its
 * contracts and sites keep their own state.
 */
export const suspendEnterprise = useCase(target, (deps, actor, input) =>
  inTransaction(deps, actor, (work) => step(deps, work, actor, input, 'suspend')),
);

/**
 * Suspends it at once: its CA certificates are put on hold, so that whoever checks the chain of one of its licenses with
 * fresh evidence refuses it, on every site, until it is reinstated. What a CA gets while it lasts is on hold as well.
 */
export const holdEnterprise = useCase(target, (deps, actor, input) =>
  withSecondPerson(deps, actor, async (work) => {
    const enterprise = await step(deps, work, actor, input, 'hold');
    const subject = `enterprise:${enterprise.id}`;
    await demandSecondPerson(deps, work, actor, { action: 'enterprise.hold', subject, payload: {} });
    changeAuthorities(work, enterprise, { type: 'hold' });
    return enterprise;
  }),
);

/** Undoes either: also its CA certificates are good again. */
export const reinstateEnterprise = useCase(target, (deps, actor, input) =>
  inTransaction(deps, actor, async (work) => {
    const enterprise = await step(deps, work, actor, input, 'reinstate');
    changeAuthorities(work, enterprise, { type: 'reinstate' });
    return enterprise;
  }),
);

/**
 * For good: ends its contracts, retires its sites and revokes its CA certificates, which ends every license below them at
 * once. By `enterprise.closed` the authority revokes the licenses themselves too, however many they are.
 */
export const closeEnterprise = useCase(target, (deps, actor, input) => end(deps, actor, input, 'cessationOfOperation'));

/** As `closeEnterprise`, where there is another reason than that it is over: CRL and OCSP say it of all below. */
export const revokeEnterprise = useCase(
  target.extend({ reason: z.enum(REVOCATION_REASONS).describe('Why, RFC 5280 5.3.1.') }),
  (deps, actor, { reason, ...input }) => end(deps, actor, input, reason),
);

function end(deps: Dependencies, actor: Principal, input: Target, reason: FinalReason): Promise<Enterprise> {
  return withSecondPerson(deps, actor, async (work) => {
    const enterprise = await step(deps, work, actor, input, 'close', { reason });
    const subject = `enterprise:${enterprise.id}`;
    await demandSecondPerson(deps, work, actor, { action: 'enterprise.revoke', subject, payload: { reason } });
    await deps.stores.seats.endContracts(work.tx, enterprise.id, work.at);
    await deps.stores.seats.retireSites(work.tx, enterprise.id, work.at);
    changeAuthorities(work, enterprise, { type: 'revoke', reason });
    return enterprise;
  });
}

function changeAuthorities(work: Work, { id, slug }: Enterprise, event: RevocationEvent): void {
  work.change({ event, of: { enterprise: slug }, context: { enterprise: id } });
}

const DONE = { suspend: 'suspended', hold: 'held', reinstate: 'reinstated', close: 'closed' } as const;

async function step(
  deps: Dependencies,
  work: Work,
  actor: Principal,
  input: Target,
  event: keyof typeof DONE,
  more: Readonly<Record<string, string>> = {},
): Promise<Enterprise> {
  assertWholeOrganization(actor);
  const before = await lockEnterprise(deps, work, actor, input);
  const status = next(ENTERPRISE_LIFE, before.status, event);
  const after = changed(before, work.at, { status, held: event === 'hold' });
  await deps.stores.enterprises.replace(work.tx, after);
  const details = { slug: after.slug, ...more };
  work.note({ action: `enterprise.${DONE[event]}`, subject: `enterprise:${after.id}`, details });
  return after;
}

export async function lockEnterprise(
  deps: Dependencies,
  { tx }: Work,
  actor: Principal,
  input: Target,
): Promise<Enterprise> {
  const enterprise = await deps.stores.enterprises.lock(tx, input.id);
  const mine = found('enterprise', enterprise, actor, ({ id }) => id);
  assertSeen('enterprise', mine, input.version);
  return mine;
}
