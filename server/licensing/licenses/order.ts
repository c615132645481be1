import type { Enterprise } from '../model/enterprise.ts';
import type { Lineage } from '../model/license.ts';
import { contractClaims, siteClaims } from '../contracts/claims.ts';
import type { LicenseFacts, LicenseKey, LicenseOrder } from '../ports/issuance.ts';
import type { RenewalCase } from '../ports/licenses.ts';

export type OrderParts = {
  readonly enterprise: Pick<Enterprise, 'id' | 'slug'>;
  readonly contract: RenewalCase['contract'];
  readonly site: RenewalCase['site'];
  readonly lineage: Pick<Lineage, 'id' | 'sequence' | 'organization'>;
  readonly kind: LicenseFacts['kind'];
  readonly predecessor?: string;
  readonly key: LicenseKey;
  readonly ground: string;
  readonly principal: string;
};

/** The next license of a lineage, with all the rights that its contract gives the site. */
export function licenseOrder(parts: OrderParts): LicenseOrder {
  const { enterprise, contract, site, lineage, kind, predecessor, key, ground, principal } = parts;
  const sequence = lineage.sequence + 1;
  return {
    organization: lineage.organization,
    enterprise: enterprise.slug,
    site: site.name,
    claims: siteClaims(contract, site, lineage.id, sequence),
    contract: contractClaims(contract),
    key,
    ground,
    facts: {
      enterprise: enterprise.id,
      contract: contract.id,
      site: site.id,
      lineage: lineage.id,
      sequence,
      mode: site.mode,
      predecessor,
      kind,
      principal,
    },
  };
}

/** Whether the same request may succeed later; otherwise its sender needs another one. */
export const mayPass = (error: unknown): boolean =>
  !(error instanceof Error && 'kind' in error) ||
  error.kind === 'unavailable' ||
  ('retryAfterSeconds' in error && error.retryAfterSeconds !== undefined);
