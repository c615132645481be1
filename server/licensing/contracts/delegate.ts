import { hash } from 'node:crypto';
import { z } from 'zod';
import { assertSeen, assertWholeOrganization, found } from '../entities.ts';
import { csr, reference, version } from '../fields.ts';
import type { Contract } from '../model/contract.ts';
import type { Enterprise } from '../model/enterprise.ts';
import type { Principal } from '../model/principal.ts';
import type { DelegatedAuthority } from '../ports/delegation.ts';
import { ownOrganization } from '../organizations/organizations.ts';
import { demandSecondPerson, withSecondPerson } from '../second-person.ts';
import { type Dependencies, useCase, type Work } from '../use-case.ts';
import { assertInForce } from './in-force.ts';
import { certified } from './obstacles.ts';

/**
 * Certifies the CA of an enterprise that keeps its own key, on its own server, for a contract. From then on its sites get
 * their licenses there. The same request again has the same answer.
 */
export const delegateContract = useCase(
  z.strictObject({ id: reference('contract'), version, csr }),
  async (deps, actor, input): Promise<DelegatedAuthority> => {
    const { contract, enterprise } = await withSecondPerson(deps, actor, async (work) => {
      const it = await delegated(deps, work, actor, input);
      assertInForce({ ...it, organization: await ownOrganization(deps, work.tx, actor.organization) }, work.at);
      const request = hash('sha256', input.csr);
      const subject = `contract:${input.id}`;
      await demandSecondPerson(deps, work, actor, { action: 'authority.create', subject, payload: { request } });
      work.note({ action: 'contract.delegated', subject, details: { enterprise: it.enterprise.id, request } });
      return it;
    });
    return deps.issuance.delegation.certify(certified(contract, enterprise), input.csr);
  },
);

const REASONS = ['keyCompromise', 'cessationOfOperation', 'superseded'] as const;

/**
 * Ends it, and with it every license below, for whoever looks at the CRL of the organization's CA or asks its OCSP. Every
 * generation of it: whoever stole one key may have had the others too.
 */
export const revokeDelegated = useCase(
  z.strictObject({
    id: reference('contract'),
    version,
    reason: z.enum(REASONS).default('cessationOfOperation').describe('Why.').meta({ example: 'keyCompromise' }),
  }),
  async (deps, actor, input): Promise<{ readonly revoked: number }> => {
    let revoked = 0;
    await withSecondPerson(deps, actor, async (work) => {
      const { enterprise } = await delegated(deps, work, actor, input);
      const { reason } = input;
      const subject = `contract:${input.id}`;
      await demandSecondPerson(deps, work, actor, { action: 'authority.revoke', subject, payload: { reason } });
      work.note({ action: 'contract.undelegated', subject, details: { enterprise: enterprise.id, reason } });
      work.change({
        event: { type: 'revoke', reason },
        of: { enterprise: enterprise.slug, delegatedFor: input.id },
        context: { enterprise: enterprise.id, contract: input.id },
        counted: (changed) => void (revoked = changed),
      });
    });
    return { revoked };
  },
);

async function delegated(
  { stores }: Dependencies,
  { tx }: Work,
  actor: Principal,
  { id, version: seen }: { readonly id: string; readonly version?: number | undefined },
): Promise<{ readonly contract: Contract; readonly enterprise: Enterprise }> {
  assertWholeOrganization(actor);
  const contract = found('contract', await stores.contracts.lock(tx, id));
  assertSeen('contract', contract, seen);
  return { contract, enterprise: found('enterprise', await stores.enterprises.get(tx, contract.enterprise)) };
}
