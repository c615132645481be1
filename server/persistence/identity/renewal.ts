import type { DeclaredIncident, Incidents, RenewalLook, RenewalLooks } from '../../licensing/identity/ports.ts';
import { isId } from '../../licensing/model/id.ts';
import { pageOf, startOf } from '../licensing/page.ts';
import { sql } from '../transactions.ts';

/** Licenses live 30 days and a grace: whoever was issued before an incident that is older has renewed or is gone. */
const REMEMBERED_DAYS = 90;

type IncidentRow = {
  id: string;
  enterprise: string | null;
  contract: string | null;
  product: string | null;
  issuer_key: string | null;
  serials: string[] | null;
  issued_before: Date;
  explanation: string;
  begins_at: Date;
  ends_at: Date;
  created_by: string;
  lifted_at: Date | null;
  lifted_by: string | null;
};

const COLUMNS = `id, enterprise, contract, product, issuer_key, serials, issued_before, explanation, begins_at, ends_at,
  created_by, lifted_at, lifted_by`;

const incidentOf = (row: IncidentRow): DeclaredIncident => ({
  id: row.id,
  enterprise: row.enterprise ?? undefined,
  contract: row.contract ?? undefined,
  product: row.product ?? undefined,
  issuerKey: row.issuer_key ?? undefined,
  serials: row.serials ?? undefined,
  issuedBefore: row.issued_before,
  explanation: row.explanation,
  beginsAt: row.begins_at,
  endsAt: row.ends_at,
  createdBy: row.created_by,
  liftedAt: row.lifted_at ?? undefined,
  liftedBy: row.lifted_by ?? undefined,
});

export const incidents: Incidents = {
  async add(tx, incident) {
    const { id, organization, enterprise, contract, product, issuerKey, serials } = incident;
    const { issuedBefore, explanation, beginsAt, endsAt, createdBy } = incident;
    const named = [enterprise, contract, product, issuerKey, serials].map((one) => one ?? null);
    await sql(tx).query(
      `insert into renewal_incidents (id, organization, enterprise, contract, product, issuer_key, serials,
                                      issued_before, explanation, begins_at, ends_at, created_by, created_at)
       values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $10)`,
      [id, organization, ...named, issuedBefore, explanation, beginsAt, endsAt, createdBy],
    );
  },

  async get(tx, id) {
    if (!isId(id)) return undefined;
    const query = `select ${COLUMNS} from renewal_incidents where id = $1`;
    return (await sql(tx).query<IncidentRow>(query, [id])).map(incidentOf)[0];
  },

  async list(tx, { after, limit, newestFirst = false }) {
    const [beyond, order] = newestFirst ? ['<', 'desc'] : ['>', 'asc'];
    const rows = await sql(tx).query<IncidentRow>(
      `select ${COLUMNS} from renewal_incidents where ($1::uuid is null or id ${beyond} $1) order by id ${order} limit $2`,
      [startOf(after), limit + 1],
    );
    return pageOf(rows.map(incidentOf), limit);
  },

  async lift(tx, id, by, at) {
    const rows = await sql(tx).query(
      'update renewal_incidents set lifted_at = $3, lifted_by = $2 where id = $1 and lifted_at is null returning 1',
      [id, by, at],
    );
    return rows.length === 1;
  },
};

type LookRow = {
  serial: string;
  site: string;
  not_before: Date;
  not_after: Date;
  reissued_as: string | null;
  explanation: string | null;
  begins_at: Date;
  ends_at: Date;
};

// A look-up by key for each organization, of which a server has a few: cheaper than an index over all licenses. An
// incident stays in force after its end for those who were away: they are late, and not out of it. Certificates are dated
// back, so that one which was renewed because of the incident can look older than it: what counts is when that began.
const LOOKS = `
  select l.serial, l.site, l.not_before, l.not_after, l.reissued_as, i.explanation, i.begins_at, i.ends_at
    from organizations o
   cross join lateral (select * from licenses where organization = o.slug and serial = any($1)) l
    left join lateral (
      select explanation, begins_at, ends_at from renewal_incidents i
       where i.organization = l.organization and i.lifted_at is null and i.issued_before > l.not_before
         and not exists (
               select from licenses p where p.organization = l.organization and p.serial = l.predecessor
                  and p.renewal_at >= i.issued_before)
         and i.begins_at <= $2 and i.ends_at > i.begins_at and i.ends_at > $2 - make_interval(days => $3)
         and (i.enterprise is null or i.enterprise = l.enterprise)
         and (i.contract is null or i.contract = l.contract)
         and (i.issuer_key is null or i.issuer_key = l.issuer_key)
         and (i.serials is null or l.serial = any(i.serials))
         and (i.product is null or exists (
               select from contracts c, jsonb_array_elements_text(c.terms -> 'features') as feature
                where c.organization = l.organization and c.id = l.contract and split_part(feature, '/', 1) = i.product))
       order by i.begins_at desc limit 1) i on true`;

export const renewalLooks: RenewalLooks = {
  async find(tx, serials, at) {
    const rows = await sql(tx).prepared<LookRow>(LOOKS, [[...new Set(serials)], at, REMEMBERED_DAYS]);
    const bySerial = Map.groupBy(rows, ({ serial }) => serial);
    return new Map(
      [...bySerial].flatMap(([serial, [row, ...more]]) =>
        row === undefined || more.length > 0 ? [] : [[serial, lookOf(row)]],
      ),
    );
  },
};

const lookOf = (row: LookRow): RenewalLook => ({
  license: {
    site: row.site,
    notBefore: row.not_before,
    notAfter: row.not_after,
    reissuedAs: row.reissued_as ?? undefined,
  },
  incident:
    row.explanation === null
      ? undefined
      : { explanation: row.explanation, beginsAt: row.begins_at, endsAt: row.ends_at },
});
