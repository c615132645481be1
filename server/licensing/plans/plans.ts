import { z } from 'zod';
import { checkTerms } from '../contracts/check-terms.ts';
import { termsInput } from '../contracts/terms-input.ts';
import { assertSeen, assertWholeOrganization, changed, found, newEntity } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { code, countOrUnlimited, displayName, reference, version } from '../fields.ts';
import type { Plan } from '../model/plan.ts';
import { inTransaction, useCase } from '../use-case.ts';

const months = z.number().int().min(1).max(240).describe('Length of a contract made from it.').meta({ example: 12 });
const requestsPerMonth = countOrUnlimited
  .describe('API requests that each enterprise of the plan may make in a calendar month.')
  .meta({ example: 100_000 });

export const createPlan = useCase(
  z.strictObject({ code, name: displayName, terms: termsInput, months, requestsPerMonth }),
  (deps, actor, input) =>
    inTransaction(deps, actor, async ({ tx, at, note }) => {
      assertWholeOrganization(actor);
      await checkTerms(deps.stores, tx, input.terms);
      const plan: Plan = { ...newEntity(deps, actor.organization, at), ...input, status: 'active' };
      await deps.stores.plans.insert(tx, plan);
      note({ action: 'plan.created', subject: `plan:${plan.id}`, details: { code: plan.code } });
      return plan;
    }),
);

/** Changes no contract: what was sold was sold. */
export const changePlan = useCase(
  z.strictObject({
    id: reference('plan'),
    version,
    name: displayName.optional(),
    terms: termsInput.optional(),
    months: months.optional(),
    requestsPerMonth: requestsPerMonth.optional(),
  }),
  (deps, actor, { id, version: seen, ...input }) =>
    inTransaction(deps, actor, async ({ tx, at, note }) => {
      assertWholeOrganization(actor);
      const before = found('plan', await deps.stores.plans.lock(tx, id));
      assertSeen('plan', before, seen);
      if (input.terms !== undefined) await checkTerms(deps.stores, tx, input.terms);
      const after = changed(before, at, {
        name: input.name ?? before.name,
        terms: input.terms ?? before.terms,
        months: input.months ?? before.months,
        requestsPerMonth: input.requestsPerMonth ?? before.requestsPerMonth,
      });
      await deps.stores.plans.replace(tx, after);
      note({ action: 'plan.changed', subject: `plan:${after.id}` });
      return after;
    }),
);

export const retirePlan = useCase(z.strictObject({ id: reference('plan'), version }), (deps, actor, input) =>
  inTransaction(deps, actor, async ({ tx, at, note }) => {
    assertWholeOrganization(actor);
    const before = found('plan', await deps.stores.plans.lock(tx, input.id));
    assertSeen('plan', before, input.version);
    if (before.status === 'retired') {
      throw new LicetError('conflict', 'TRANSITION_REFUSED', 'This plan is retired already.');
    }
    const after = changed(before, at, { status: 'retired' });
    await deps.stores.plans.replace(tx, after);
    note({ action: 'plan.retired', subject: `plan:${after.id}` });
    return after;
  }),
);
