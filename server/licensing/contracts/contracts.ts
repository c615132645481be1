import { z } from 'zod';
import { assertSeen, assertWholeOrganization, changed, found, newEntity } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { labels, reference, text, version } from '../fields.ts';
import { instantsOf, lastDayAfter } from '../model/calendar.ts';
import { type Contract, CONTRACT_LIFE, type ContractTerm } from '../model/contract.ts';
import type { Principal } from '../model/principal.ts';
import { next } from '../model/state.ts';
import type { Terms } from '../model/terms.ts';
import { type Dependencies, inTransaction, reading, useCase, type Work } from '../use-case.ts';
import { demandSecondPerson, withSecondPerson } from '../second-person.ts';
import { contractClaims } from './claims.ts';
import { certified, type Obstacle, obstaclesAbove } from './obstacles.ts';
import { checkTerms } from './check-terms.ts';
import { above, direction } from './compare-terms.ts';
import { contractTermInput, termsInput } from './terms-input.ts';

const number = text(64).describe('The number on the paper.').meta({ example: 'C-2026-0042' });

const DAY = z.string().max(10).meta({ example: '2026-01-01' });
const fromPlan = z.strictObject({ firstDay: DAY, timeZone: z.string().max(64) });

export const createContract = useCase(
  z.strictObject({
    enterprise: reference('enterprise'),
    number,
    plan: reference('plan').optional(),
    terms: termsInput.optional().describe('What is sold; without it, the terms of the plan.'),
    term: z
      .union([contractTermInput, fromPlan])
      .describe('From when to when; without a last day, as long as the plan.'),
    labels: labels.default({}),
  }),
  (deps, actor, input) =>
    inTransaction(deps, actor, async ({ tx, at, note }) => {
      assertWholeOrganization(actor);
      const enterprise = found('enterprise', await deps.stores.enterprises.get(tx, input.enterprise));
      if (enterprise.status === 'closed') {
        throw new LicetError('conflict', 'ENTERPRISE_CLOSED', 'The enterprise is closed; contracts need a live one.');
      }
      const plan = input.plan === undefined ? undefined : found('plan', await deps.stores.plans.get(tx, input.plan));
      if (plan?.status === 'retired') {
        throw new LicetError('conflict', 'PLAN_RETIRED', 'The plan is not sold any more; choose another.');
      }
      const terms = input.terms ?? plan?.terms;
      if (terms === undefined) throw needs('TERMS_NEEDED', '/terms', 'Say the terms, or name a plan that has them.');
      const term = termOf(input.term, plan?.months);
      const contract: Contract = {
        ...newEntity(deps, actor.organization, at),
        enterprise: enterprise.id,
        number: input.number,
        status: 'draft',
        plan: plan?.id,
        terms,
        catalogs: await checkTerms(deps.stores, tx, terms),
        term,
        endsAt: instantsOf(term).to,
        labels: input.labels,
      };
      await deps.stores.contracts.insert(tx, contract);
      note({ action: 'contract.created', subject: `contract:${contract.id}`, details: { enterprise: enterprise.id } });
      return contract;
    }),
);

function termOf(term: ContractTerm | z.output<typeof fromPlan>, months: number | undefined): ContractTerm {
  if ('lastDay' in term) return term;
  if (months === undefined)
    throw needs('TERM_OPEN', '/term/lastDay', 'Say the last day, or name a plan with a length.');
  return { ...term, lastDay: lastDayAfter(term.firstDay, months) };
}

/**
 * Changes what was sold. The event says whether rights grew (the enterprise's CA is certified anew before a site can
 * have them) or shrank: then its older certificates, which would go on granting them, are revoked with the change.
 */
export const changeContract = useCase(
  z.strictObject({
    id: reference('contract'),
    version,
    number: number.optional(),
    terms: termsInput.optional(),
    term: contractTermInput.optional(),
    labels: labels.optional(),
  }),
  async (deps, actor, { id, version: seen, ...input }) => {
    await checkExchange(deps, actor, id, input);
    return withSecondPerson(deps, actor, async (work) => {
      const before = await lockContract(deps, work, actor, id, seen);
      if (before.status === 'ended')
        throw new LicetError('conflict', 'CONTRACT_ENDED', 'The contract has ended; make a new one.');
      const terms = input.terms ?? before.terms;
      const term = input.term ?? before.term;
      const after = changed(before, work.at, {
        number: input.number ?? before.number,
        labels: input.labels ?? before.labels,
        terms,
        term,
        endsAt: instantsOf(term).to,
        catalogs: input.terms === undefined ? before.catalogs : await checkTerms(deps.stores, work.tx, terms),
      });
      const change = direction(before, after);
      if (change.raises && before.status !== 'draft') await checkPlan(deps, work, actor, after);
      await deps.stores.contracts.replace(work.tx, after);
      const details = { enterprise: after.enterprise, version: after.version, ...change };
      work.note({ action: 'contract.changed', subject: `contract:${after.id}`, details });
      if (change.lowers) await supersedeAbove(deps, work, after);
      return after;
    });
  },
);

/**
 * A change that gives and takes needs a certificate that may not be had, and without it the sites would have nothing once
 * the older ones are revoked. What only takes is always within what there is.
 */
async function checkExchange(
  deps: Dependencies,
  actor: Principal,
  id: string,
  input: { readonly terms?: Terms | undefined; readonly term?: ContractTerm | undefined },
): Promise<void> {
  assertWholeOrganization(actor);
  const sold = await soldTo(deps, actor, id);
  // What is refused under lock is refused there.
  if (sold === undefined || sold.contract.status === 'ended') return;
  const { contract, enterprise } = sold;
  const { terms = contract.terms, term = contract.term } = input;
  const after = { ...contract, version: contract.version + 1, terms, term };
  const { lowers, raises } = direction(contract, after);
  if (!lowers || !raises) return;
  await deps.issuance.checkContract(certified(after, enterprise));
}

async function soldTo(deps: Dependencies, actor: Principal, id: string) {
  return reading(deps, actor, async (tx) => {
    const contract = await deps.stores.contracts.get(tx, id);
    const enterprise = contract && (await deps.stores.enterprises.get(tx, contract.enterprise));
    return enterprise && { contract, enterprise };
  });
}

/** The CA certificates that say more than the contract does now. */
export async function supersedeAbove(
  { stores }: Pick<Dependencies, 'stores'>,
  work: Work,
  contract: Contract,
): Promise<void> {
  const { id, slug } = found('enterprise', await stores.enterprises.get(work.tx, contract.enterprise));
  work.change({
    event: { type: 'revoke', reason: 'superseded' },
    of: { enterprise: slug, above: contractClaims(contract) },
    context: { enterprise: id, contract: contract.id },
  });
}

const target = z.strictObject({ id: reference('contract'), version });
type Target = z.output<typeof target>;

export type Activated = Contract & { readonly obstacles: readonly Obstacle[] };

/**
 * From here on its sites get licenses, or when the CA above can give them: what that lacks is said. More than its plan has
 * needs a second person, where the organization says so.
 */
export const activateContract = useCase(target, async (deps, actor, input): Promise<Activated> => {
  assertWholeOrganization(actor);
  // What is not there is missed under lock.
  const sold = await soldTo(deps, actor, input.id);
  const obstacles = sold === undefined ? [] : await obstaclesAbove(deps, sold.contract, sold.enterprise);
  return withSecondPerson(deps, actor, async (work) => {
    const contract = await step(deps, work, actor, input, 'activate');
    await checkPlan(deps, work, actor, contract);
    return { ...contract, obstacles };
  });
});

/** While it is suspended no site below it gets a license or a renewal. */
export const suspendContract = useCase(target, (deps, actor, input) =>
  inTransaction(deps, actor, (work) => step(deps, work, actor, input, 'suspend')),
);

export const reinstateContract = useCase(target, (deps, actor, input) =>
  inTransaction(deps, actor, (work) => step(deps, work, actor, input, 'reinstate')),
);

/**
 * For good. Licenses below it run to their end and are not renewed. A CA that the enterprise keeps itself is revoked:
 * nothing else would stop it.
 */
export const endContract = useCase(target, (deps, actor, input) =>
  inTransaction(deps, actor, async (work) => {
    const contract = await step(deps, work, actor, input, 'end');
    const { id, slug } = found('enterprise', await deps.stores.enterprises.get(work.tx, contract.enterprise));
    const event = { type: 'revoke', reason: 'cessationOfOperation' } as const;
    const context = { enterprise: id, contract: contract.id };
    work.change({ event, of: { enterprise: slug, delegatedFor: contract.id }, context });
    return contract;
  }),
);

const DONE = { activate: 'activated', suspend: 'suspended', reinstate: 'reinstated', end: 'ended' } as const;

async function step(deps: Dependencies, work: Work, actor: Principal, input: Target, event: keyof typeof DONE) {
  const before = await lockContract(deps, work, actor, input.id, input.version);
  const after = changed(before, work.at, { status: next(CONTRACT_LIFE, before.status, event) });
  await deps.stores.contracts.replace(work.tx, after);
  const details = { enterprise: after.enterprise };
  work.note({ action: `contract.${DONE[event]}`, subject: `contract:${after.id}`, details });
  return after;
}

async function lockContract({ stores }: Dependencies, { tx }: Work, actor: Principal, id: string, seen?: number) {
  assertWholeOrganization(actor);
  const contract = found('contract', await stores.contracts.lock(tx, id));
  assertSeen('contract', contract, seen);
  return contract;
}

async function checkPlan(deps: Dependencies, work: Work, actor: Principal, contract: Contract): Promise<void> {
  const excess = await abovePlan(deps, work.tx, contract);
  if (excess.length === 0) return;
  const { id, terms, term } = contract;
  const act = { action: 'contract.raise', subject: `contract:${id}`, payload: { terms, term } } as const;
  await demandSecondPerson(deps, work, actor, act);
}

/** In which points a contract grants more than the plan that it was made from. */
export async function abovePlan(
  { stores }: Dependencies,
  tx: Work['tx'],
  { plan, terms }: { readonly plan: string | undefined; readonly terms: Terms },
): Promise<readonly string[]> {
  if (plan === undefined) return [];
  return above(found('plan', await stores.plans.get(tx, plan)).terms, terms, undefined);
}

const needs = (code: string, pointer: string, message: string): LicetError =>
  new LicetError('invalid', code, message, { pointer });
