import { z } from 'zod';
import { assertUsable, enterpriseOf } from '../enrolment/create-token.ts';
import { assertSeen, changed, found, newEntity } from '../entities.ts';
import { reference, version } from '../fields.ts';
import type { Principal } from '../model/principal.ts';
import type { ListQuery, Page } from '../ports/collection.ts';
import { type Dependencies, inTransaction, parsed, reading } from '../use-case.ts';
import type { IdentityStores } from './ports.ts';
import { type TrustRule, trustRuleInput } from './trust-rule.ts';

export type RuleDeps = Dependencies & { readonly identities: IdentityStores };

/** From now on the builds that the rule describes get licenses of its contract. */
export function createTrustRule(
  deps: RuleDeps,
  actor: Principal,
  raw: z.input<typeof trustRuleInput>,
): Promise<TrustRule> {
  const { contract: id, keys, ...input } = parsed(trustRuleInput, raw);
  return inTransaction(deps, actor, async (work) => {
    const contract = found('contract', await deps.stores.contracts.get(work.tx, id), actor, enterpriseOf);
    assertUsable(contract);
    const entity = newEntity(deps, actor.organization, work.at);
    const { enterprise } = contract;
    const rule: TrustRule = { ...entity, ...input, keys, contract: id, enterprise, status: 'active' };
    await deps.identities.rules.insert(work.tx, rule);
    work.note({ action: 'trust-rule.created', subject: `trust-rule:${rule.id}`, details: { contract: id } });
    return rule;
  });
}

export const ruleStatusInput = z.strictObject({
  id: reference('trust rule'),
  status: z.enum(['active', 'off']),
  version,
});

/** Off: nobody gets a license by it any more. Those that were given end by themselves, within hours. */
export function switchTrustRule(
  deps: RuleDeps,
  actor: Principal,
  raw: z.input<typeof ruleStatusInput>,
): Promise<TrustRule> {
  const { id, status, version: seen } = parsed(ruleStatusInput, raw);
  return inTransaction(deps, actor, async (work) => {
    const rule = found('trust rule', await deps.identities.rules.lock(work.tx, id), actor, enterpriseOf);
    assertSeen('trust rule', rule, seen);
    if (rule.status === status) return rule;
    const switched = changed(rule, work.at, { status });
    await deps.identities.rules.replace(work.tx, switched);
    work.note({
      action: `trust-rule.${status === 'off' ? 'switched-off' : 'switched-on'}`,
      subject: `trust-rule:${id}`,
    });
    return switched;
  });
}

export function listTrustRules(
  deps: RuleDeps,
  actor: Principal,
  query: Omit<ListQuery<TrustRule>, 'where'>,
): Promise<Page<TrustRule>> {
  const where = actor.enterprise === undefined ? {} : { enterprise: actor.enterprise };
  return reading(deps, actor, (tx) => deps.identities.rules.list(tx, { ...query, where }));
}
