import type { Mode } from '@licet/format';
import type { License, Lineage } from '../../licensing/model/license.ts';

export type LicenseRow = {
  organization: string;
  serial: string;
  issuer_key: string;
  enterprise: string;
  contract: string;
  site: string;
  lineage: string;
  sequence: number;
  predecessor: string | null;
  mode: Mode;
  public_key: Buffer;
  not_before: Date;
  not_after: Date;
  status: License['status'];
  renewal_request: Buffer | null;
  renewal_key: Buffer | null;
  renewal_at: Date | null;
  successor: string | null;
  reissued_as: string | null;
};

export const LICENSE_COLUMNS = `organization, serial, issuer_key, enterprise, contract, site, lineage, sequence,
  predecessor, mode, public_key, not_before, not_after, status, renewal_request, renewal_key, renewal_at, successor,
  reissued_as`;

/** The one meaning of a license that still counts: by the grace in its own claims, which nothing above it can lengthen. */
export const notOver = (at: string): string => `licet_grace_until(not_after, grace) >= ${at}`;

export function licenseOf(row: LicenseRow): License {
  return {
    organization: row.organization,
    enterprise: row.enterprise,
    contract: row.contract,
    site: row.site,
    lineage: row.lineage,
    sequence: row.sequence,
    serial: row.serial,
    issuerKey: row.issuer_key,
    predecessor: row.predecessor ?? undefined,
    mode: row.mode,
    notBefore: row.not_before,
    notAfter: row.not_after,
    status: row.status,
    publicKey: row.public_key,
    renewal: renewalOf(row),
    reissuedAs: row.reissued_as ?? undefined,
  };
}

function renewalOf({ renewal_request, renewal_key, renewal_at, successor }: LicenseRow): License['renewal'] {
  if (renewal_request === null || renewal_key === null || renewal_at === null) return undefined;
  return { request: renewal_request, publicKey: renewal_key, at: renewal_at, successor: successor ?? undefined };
}

export type LineageRow = {
  id: string;
  organization: string;
  site: string;
  sequence: number;
  head: string | null;
  status: Lineage['status'];
  held: boolean;
  forked_from: string | null;
};

export function lineageOf({ head, forked_from, ...row }: LineageRow): Lineage {
  return { ...row, head: head ?? undefined, forkedFrom: forked_from ?? undefined };
}
