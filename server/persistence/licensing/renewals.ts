import type { Contract } from '../../licensing/model/contract.ts';
import type { Enterprise } from '../../licensing/model/enterprise.ts';
import type { Organization, OrganizationSettings } from '../../licensing/model/organization.ts';
import type { Site } from '../../licensing/model/site.ts';
import type { LicenseName } from '../../licensing/ports/issuance.ts';
import type { RenewalCase } from '../../licensing/ports/licenses.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { bytea, columns } from '../columns.ts';
import { sql } from '../transactions.ts';
import { LICENSE_COLUMNS, licenseOf, type LicenseRow, lineageOf, type LineageRow } from './license-row.ts';

type Prefixed<T, P extends string> = { [K in keyof T as `${P}_${K & string}`]: T[K] };

type CaseRow = LicenseRow &
  Prefixed<Omit<LineageRow, 'organization' | 'site'>, 'lineage'> &
  Prefixed<Pick<Enterprise, 'slug' | 'status'>, 'enterprise'> &
  Prefixed<Pick<Contract, 'version' | 'status' | 'terms' | 'term'>, 'contract'> &
  Prefixed<Pick<Site, 'name' | 'mode' | 'status' | 'shares' | 'fingerprints' | 'lineage' | 'contract'>, 'site'> & {
    number: number;
    named_status: RenewalCase['namedStatus'];
    contract_ends_at: Date;
    organization_status: Organization['status'];
    settings: OrganizationSettings;
    site_trust_rule: string | null;
  };

const OWN = LICENSE_COLUMNS.replaceAll(/(\w+)/g, 'l.$1');

// The contract of the site and not that of the license: the site may have moved since.
const CASES = `
  select asked.number::integer as number, named.status as named_status, ${OWN},
         g.id as lineage_id, g.sequence as lineage_sequence, g.head as lineage_head, g.status as lineage_status,
         g.held as lineage_held, g.forked_from as lineage_forked_from,
         e.slug as enterprise_slug, e.status as enterprise_status,
         c.version as contract_version, c.status as contract_status, c.terms as contract_terms,
         c.term as contract_term, c.ends_at as contract_ends_at,
         s.name as site_name, s.mode as site_mode, s.status as site_status, s.shares as site_shares,
         s.fingerprints as site_fingerprints, s.lineage as site_lineage, s.contract as site_contract,
         s.trust_rule as site_trust_rule,
         o.status as organization_status, o.settings
    from unnest($1::text[], $2::text[]) with ordinality as asked(organization, serial, number)
    join licenses named on named.organization = asked.organization and named.serial = asked.serial
    join licenses l on l.organization = asked.organization and l.serial = coalesce(named.reissued_as, named.serial)
    join lineages g on g.organization = l.organization and g.id = l.lineage
    join sites s on s.organization = l.organization and s.id = l.site
    join contracts c on c.organization = s.organization and c.id = s.contract
    join enterprises e on e.organization = s.organization and e.id = s.enterprise
    join organizations o on o.organization = l.organization`;

export async function renewalCases(
  tx: Transaction,
  predecessors: readonly LicenseName[],
): Promise<readonly (RenewalCase | undefined)[]> {
  const rows = await sql(tx).prepared<CaseRow>(
    CASES,
    columns(
      predecessors,
      ({ organization }) => organization,
      ({ serial }) => serial,
    ),
  );
  const byNumber = new Map(rows.map((row) => [row.number, caseOf(row)]));
  return predecessors.map((_, index) => byNumber.get(index + 1));
}

function caseOf(row: CaseRow): RenewalCase {
  return {
    organization: { status: row.organization_status },
    settings: row.settings,
    enterprise: { id: row.enterprise, slug: row.enterprise_slug, status: row.enterprise_status },
    contract: {
      id: row.site_contract,
      version: row.contract_version,
      status: row.contract_status,
      terms: row.contract_terms,
      term: row.contract_term,
      endsAt: row.contract_ends_at,
    },
    site: {
      id: row.site,
      name: row.site_name,
      mode: row.site_mode,
      status: row.site_status,
      shares: row.site_shares,
      fingerprints: row.site_fingerprints,
      lineage: row.site_lineage,
      trustRule: row.site_trust_rule ?? undefined,
    },
    lineage: lineageOf({
      id: row.lineage_id,
      organization: row.organization,
      site: row.site,
      sequence: row.lineage_sequence,
      head: row.lineage_head,
      status: row.lineage_status,
      held: row.lineage_held,
      forked_from: row.lineage_forked_from,
    }),
    license: licenseOf(row),
    namedStatus: row.named_status,
  };
}

export async function releaseRenewal(tx: Transaction, predecessor: string, request: Uint8Array): Promise<void> {
  await sql(tx).query(
    `update licenses set renewal_request = null, renewal_key = null, renewal_at = null
      where serial = $1 and renewal_request = $2 and successor is null`,
    [predecessor, bytea(request)],
  );
}
