import type { Claims } from '@licet/format';
import { z } from 'zod';
import { enterpriseOf } from '../enrolment/create-token.ts';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { count, mode, reference } from '../fields.ts';
import { newId } from '../model/id.ts';
import { ownOrganization } from '../organizations/organizations.ts';
import { reading, useCase } from '../use-case.ts';
import { siteClaims } from './claims.ts';
import { abovePlan } from './contracts.ts';
import { assertInForce } from './in-force.ts';
import { type Boundary, type Obstacle, obstaclesAbove } from './obstacles.ts';
import { type Shortage, shortages } from './seats.ts';

export type Preview = {
  /** Whether a license would be given now. */
  readonly possible: boolean;
  readonly obstacles: readonly Obstacle[];
  /** What the license would say; undefined when the contract has nothing for such a site. */
  readonly claims: Claims | undefined;
  /** For each claim, why it is not more. */
  readonly boundaries: readonly Boundary[];
  /** In which points the contract is above the plan that it was made from. */
  readonly abovePlan: readonly string[];
};

/** What a site would get, and why not more. Changes nothing. */
export const previewSite = useCase(
  z.strictObject({
    contract: reference('contract'),
    mode,
    shares: z.record(z.string().max(64), count).default({}).describe('What it would take of each pool.'),
    fingerprints: count.max(16).default(0).describe('How many fingerprints of its machine would be known.'),
  }),
  async (deps, actor, input): Promise<Preview> => {
    const { contract, enterprise, obstacles, ...rest } = await reading(deps, actor, async (tx) => {
      const contract = found('contract', await deps.stores.contracts.get(tx, input.contract), actor, enterpriseOf);
      const enterprise = found('enterprise', await deps.stores.enterprises.get(tx, contract.enterprise));
      const organization = await ownOrganization(deps, tx, actor.organization);
      const used = await deps.stores.seats.used(tx, contract.id);
      const obstacles = shortages(contract.terms, used, input).map(obstacleOf);
      const attempt = (work: () => void, by: Boundary['by'], claim: string) => {
        const refusal = refusalOf(work);
        if (refusal === undefined) return;
        if (obstacles.every(({ code }) => code !== refusal.code)) {
          obstacles.push({ code: refusal.code, claim, by, detail: refusal.message });
        }
      };
      attempt(() => assertInForce({ organization, enterprise, contract }, deps.clock.now()), 'status', 'term');
      let claims: Claims | undefined;
      // Digests of the right number and of no machine: only whether they are enough is asked here.
      const fingerprints = Array.from({ length: input.fingerprints }, (_, i) => String(i).padStart(64, '0'));
      const site = { mode: input.mode, shares: input.shares, fingerprints };
      attempt(() => (claims = siteClaims(contract, site, newId(deps.clock, deps.random), 1)), 'site', 'binding');
      const boundaries = claims === undefined ? [] : boundariesOf(claims, contract.terms.siteCaps[input.mode]);
      const plan = await abovePlan(deps, tx, contract);
      return { contract, enterprise, obstacles, claims, boundaries, abovePlan: plan };
    });
    const all = [...obstacles, ...(await obstaclesAbove(deps, contract, enterprise, rest.claims))];
    return { possible: all.length === 0, obstacles: all, ...rest };
  },
);

function obstacleOf({ code, claim, detail }: Shortage): Obstacle {
  const by = code === 'SITE_CAP_REACHED' ? 'cap' : code === 'POOL_EXHAUSTED' ? 'pool' : 'contract';
  return { code, claim, by, detail };
}

function refusalOf(work: () => void): LicetError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (error instanceof LicetError) return error;
    throw error;
  }
}

function boundariesOf(claims: Claims, cap: number | 'unlimited' | undefined): Boundary[] {
  const { tier, term, features } = claims;
  const byContract = (claim: string, detail: string): Boundary => ({ claim, by: 'contract', detail });
  return [
    byContract('tier', `The contract is of tier ${tier.code} (rank ${tier.rank}).`),
    byContract('features', `The contract has ${features.length} features.`),
    byContract('term', `The term of the contract ends at ${term.to.toISOString()}.`),
    { claim: 'siteCaps', by: 'cap', detail: `The contract has ${cap ?? 0} sites of this mode.` },
    ...claims.limits.map(({ code, max, scope }): Boundary => {
      const isShare = scope === 'pool' && max !== 'unlimited';
      const detail = isShare ? `The site takes ${max} of the pool.` : `The contract says ${max}.`;
      return { claim: `limits.${code}`, by: isShare ? 'site' : 'contract', detail };
    }),
  ];
}
