import type { Claims } from '@licet/format';
import type { Contract } from '../model/contract.ts';
import type { Enterprise } from '../model/enterprise.ts';
import type { DelegatedContract } from '../ports/delegation.ts';
import type { Dependencies } from '../use-case.ts';
import { contractClaims } from './claims.ts';

/** One thing that keeps a site from getting more: the claim, and who would have to change. */
export type Boundary = {
  readonly claim: string;
  readonly by: 'plan' | 'contract' | 'pool' | 'cap' | 'status' | 'site' | 'issuer';
  readonly detail: string;
};

export type Obstacle = Boundary & { readonly code: string };

/** What the CA of an enterprise has to say for a contract. */
export const certified = (contract: Contract, { organization, slug }: Enterprise): DelegatedContract => ({
  organization,
  enterprise: slug,
  contract: contractClaims(contract),
});

/** What the CA above a contract cannot give; of a site, where one is meant. Not within a transaction: it reads in its own. */
export async function obstaclesAbove(
  { issuance }: Pick<Dependencies, 'issuance'>,
  contract: Contract,
  enterprise: Enterprise,
  site?: Claims,
): Promise<readonly Obstacle[]> {
  const found = await issuance.obstacles(certified(contract, enterprise), site);
  return found.map((one) => ({ ...one, by: 'issuer' }));
}
