import type { Binding, Claims, Limit, Mode } from '@licet/format';
import { compareCodes, MODES } from '@licet/format';
import { LicetError } from '../errors.ts';
import { instantsOf } from '../model/calendar.ts';
import type { Contract } from '../model/contract.ts';
import type { Site } from '../model/site.ts';
import type { Terms } from '../model/terms.ts';

type SoldContract = Pick<Contract, 'id' | 'version' | 'terms' | 'term'>;
type LicensedSite = Pick<Site, 'mode' | 'shares' | 'fingerprints'>;

/** What the CA certificate of an enterprise says for a contract: everything that was bought. */
export function contractClaims({ id, version, terms, term }: SoldContract): Claims {
  return {
    id,
    // Every change of a contract is a new version, so the newest certificate has the highest.
    sequence: version,
    modes: MODES.filter((mode) => terms.siteCaps[mode] !== undefined),
    limits: terms.limits,
    ...commonClaims(terms),
    term: instantsOf(term),
    ...(terms.bindingNeed > 0 && { binding: { need: terms.bindingNeed, digests: 'any' } }),
  };
}

/** What the license of a site says: never more than its contract. */
export function siteClaims(contract: SoldContract, site: LicensedSite, lineage: string, sequence: number): Claims {
  const { terms } = contract;
  assertSold(terms, site.mode);
  const binding = bindingOf(terms, site.fingerprints);
  return {
    id: lineage,
    sequence,
    modes: [site.mode],
    limits: terms.limits.flatMap((limit) => siteLimit(limit, site.shares)),
    ...commonClaims(terms),
    term: instantsOf(contract.term),
    ...(binding && { binding }),
  };
}

function commonClaims(terms: Terms) {
  const { tier, features, graceSeconds: grace, contactSeconds: contact, degrade, reporting } = terms;
  return { tier, features, grace, contact, degrade, ...(reporting && { reporting }) };
}

/** Of a pool a site has its share; without a share it has none of it. */
function siteLimit(limit: Limit, shares: LicensedSite['shares']): Limit[] {
  if (limit.scope === 'each' || limit.max === 'unlimited') return [limit];
  const share = shares[limit.code];
  return share === undefined ? [] : [{ ...limit, max: share }];
}

export function assertSold(terms: Terms, mode: Mode): void {
  if (terms.siteCaps[mode] !== undefined) return;
  const sold = Object.keys(terms.siteCaps).join(', ');
  throw new LicetError('conflict', 'MODE_NOT_SOLD', `The contract has no ${mode} sites; it has ${sold}.`, {
    pointer: '/mode',
  });
}

/** A machine may lose a disk: more than half of its fingerprints must match, and as many as the contract demands. */
function bindingOf(terms: Terms, fingerprints: readonly string[]): Binding | undefined {
  assertBinding(terms, fingerprints.length);
  if (fingerprints.length === 0) return undefined;
  const need = Math.max(terms.bindingNeed, Math.floor(fingerprints.length / 2) + 1);
  return { need, digests: fingerprints.toSorted(compareCodes) };
}

export function assertBinding({ bindingNeed }: Terms, known: number): void {
  if (known >= bindingNeed) return;
  const message = `The contract demands ${bindingNeed} fingerprints of the machine, and ${known} are known.`;
  throw new LicetError('conflict', 'BINDING_NEEDED', message, { pointer: '/fingerprints' });
}
