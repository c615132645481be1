import { fingerprintDigest } from '@licet/verify';
import { z } from 'zod';
import { assertSold } from '../contracts/claims.ts';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { mode, reference, slug, text } from '../fields.ts';
import type { Contract } from '../model/contract.ts';
import type { EnrolmentToken } from '../model/enrolment-token.ts';
import { newId } from '../model/id.ts';
import type { Principal } from '../model/principal.ts';
import type { Site } from '../model/site.ts';
import { assertInstallable } from '../sites/installable.ts';
import { type Dependencies, inTransaction, useCase, type Work } from '../use-case.ts';
import { makeToken } from './token.ts';

const HOUR = 3600;
const lifetime = z
  .number()
  .int()
  .min(60)
  .max(30 * 24 * HOUR)
  .default(24 * HOUR)
  .describe('How long the token may be used, in seconds.')
  .meta({ example: 86_400 });

export const tokenOptions = z
  .strictObject({
    lifetime,
    fingerprint: text(256).optional().describe('A fingerprint that the machine must have.'),
    approval: z.boolean().default(false).describe('Whether a person has to approve the request that comes with it.'),
  })
  .prefault({})
  .describe('Of the enrolment token.');

/** What is shown once: only the hash of the token is kept. */
export type ShownToken = { readonly id: string; readonly token: string; readonly expiresAt: Date };

type TokenFor = Pick<EnrolmentToken, 'enterprise' | 'contract' | 'mode' | 'name' | 'site'>;

export async function issueToken(
  deps: Dependencies,
  { tx, at, note }: Work,
  actor: Principal,
  forWhat: TokenFor,
  { lifetime: seconds, fingerprint, approval }: z.output<typeof tokenOptions>,
): Promise<ShownToken> {
  const { text: token, hash } = makeToken(actor.organization, deps.random);
  const id = newId(deps.clock, deps.random);
  const expiresAt = new Date(at.getTime() + seconds * 1000);
  await deps.stores.tokens.insert(tx, {
    ...forWhat,
    id,
    organization: actor.organization,
    hash,
    fingerprint: fingerprint === undefined ? undefined : fingerprintDigest(id, fingerprint),
    lineage: undefined,
    key: undefined,
    approval: approval ? 'needed' : undefined,
    decidedBy: undefined,
    asked: undefined,
    expiresAt,
    usedAt: undefined,
    withdrawnAt: undefined,
    createdAt: at,
    createdBy: actor.id,
  });
  const { enterprise, contract, site } = forWhat;
  const details = { enterprise, contract, ...(site !== undefined && { site }), expiresAt: expiresAt.toISOString() };
  note({ action: 'token.created', subject: `token:${id}`, details });
  return { id, token, expiresAt };
}

export function tokenForSite({ enterprise, contract, mode: siteMode, name, id }: Site): TokenFor {
  return { enterprise, contract, mode: siteMode, name, site: id };
}

/**
 * A token for a site that is there (its first installation, or one anew on another machine), or for one that comes into
 * being when the token is used, within a contract.
 */
export const createToken = useCase(
  z.union([
    z.strictObject({ site: reference('site'), options: tokenOptions }),
    z.strictObject({
      contract: reference('contract'),
      mode,
      name: slug('The only name that the site may have').optional(),
      options: tokenOptions,
    }),
  ]),
  (deps, actor, input) =>
    inTransaction(deps, actor, async (work) => {
      if ('site' in input) {
        const site = found('site', await deps.stores.sites.lock(work.tx, input.site), actor, enterpriseOf);
        assertInstallable(site, 'operator');
        return issueToken(deps, work, actor, tokenForSite(site), input.options);
      }
      const contract = found('contract', await deps.stores.contracts.get(work.tx, input.contract), actor, enterpriseOf);
      assertUsable(contract);
      assertSold(contract.terms, input.mode);
      const forWhat = {
        enterprise: contract.enterprise,
        contract: contract.id,
        mode: input.mode,
        name: input.name,
        site: undefined,
      };
      return issueToken(deps, work, actor, forWhat, input.options);
    }),
);

export const enterpriseOf = ({ enterprise }: { readonly enterprise: string }): string => enterprise;

/** New sites are taken into a contract that is active, also before its term begins. */
export function assertUsable({ status }: Contract): void {
  if (status === 'active') return;
  throw new LicetError('conflict', 'CONTRACT_NOT_ACTIVE', `The contract is ${status}; new sites need an active one.`, {
    pointer: '/contract',
  });
}

export const withdrawToken = useCase(z.strictObject({ id: reference('token') }), (deps, actor, { id }) =>
  inTransaction(deps, actor, async ({ tx, at, note }) => {
    const token = found('token', await deps.stores.tokens.get(tx, id), actor, enterpriseOf);
    if (!(await deps.stores.tokens.withdraw(tx, token.id, at))) {
      throw new LicetError(
        'conflict',
        'TOKEN_SPENT',
        'The token was used or withdrawn before; nothing is left to withdraw.',
      );
    }
    note({ action: 'token.withdrawn', subject: `token:${token.id}` });
  }),
);
