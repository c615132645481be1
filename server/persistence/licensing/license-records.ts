import type { LicenseRecords, ToldLicense } from '../../authority/ports/license-records.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { bytea, columns, hex, plain } from '../columns.ts';
import { sql } from '../transactions.ts';

export const licenseRecords: LicenseRecords = {
  async forgotten(tx, serials) {
    const rows = await sql(tx).query<{ issuer: string; certificate: Buffer }>(
      `select c.issuer, c.certificate from unnest($1::text[], $2::bytea[]) as g(issuer, serial)
         join serials s on s.issuer = g.issuer and s.serial = g.serial
         join certificates c on c.issuer = s.issuer and c.serial = s.serial and c.kept_until = s.kept_until
        where c.profile = 'site'
          and not exists (select 1 from licenses l
                           where l.organization = c.organization and l.serial = encode(c.serial, 'hex'))`,
      columns(
        serials,
        ({ issuer }) => issuer,
        ({ serial }) => serial,
      ),
    );
    return rows.map(({ issuer, certificate }) => ({ issuer, certificate: plain(certificate) }));
  },

  async restore(tx, license, at) {
    const [row] = await sql(tx).query<{ inserted: boolean }>(INSERT, [
      license.organization,
      license.serial,
      license.lineage,
      license.issuer,
      license.sequence,
      license.mode,
      bytea(license.publicKey),
      license.notBefore,
      license.notAfter,
      license.grace,
    ]);
    if (row === undefined) return false;
    const { organization, serial, lineage, sequence, publicKey } = license;
    await sql(tx).query(SUPERSEDE, [organization, lineage, serial, sequence, bytea(publicKey), at]);
    await sql(tx).query(ADVANCE, [organization, lineage, serial, sequence, at]);
    return true;
  },

  async adopt(tx, license, id, at) {
    const { organization, contract } = license;
    const [sold] = await sql(tx).query<{ enterprise: string }>(
      'select enterprise from contracts where organization = $1 and id::text = $2 for update',
      [organization, contract],
    );
    if (sold === undefined) return 'contract';
    const site = await siteFor(tx, license, sold.enterprise, id, at);
    if (site === undefined) return 'name';
    await sql(tx).query(`insert into lineages (id, organization, site, status) values ($1, $2, $3, 'live')`, [
      license.lineage,
      organization,
      site,
    ]);
    return 'adopted';
  },

  async spendTokens(tx, { organization, lineage, mode }, at) {
    const rows = await sql(tx).query<{ id: string }>(SPEND, [organization, lineage, mode, at]);
    return rows.map(({ id }) => id);
  },

  async follow(tx, records, at) {
    const values = columns(
      records,
      ({ key }) => key,
      ({ serial }) => hex(serial),
    );
    for (const statement of FOLLOW) await sql(tx).query(statement.text, statement.isDated ? [...values, at] : values);
  },
};

// Its place in the lineage, and not who asked for it, says which license it renewed: the one before.
const INSERT = `
  insert into licenses (organization, serial, issuer_key, enterprise, contract, site, lineage, sequence, predecessor, mode,
                        public_key, not_before, not_after, grace, status)
  select g.organization, $2, $4, s.enterprise, s.contract, s.id, g.id, $5,
         (select p.serial from licenses p where p.organization = g.organization and p.lineage = g.id and p.sequence < $5
           order by p.sequence desc limit 1),
         $6, $7, $8, $9, $10,
         case when g.status = 'closed' then 'revoked' when g.held then 'suspended'
              when g.sequence > $5 then 'superseded' else 'current' end
    from lineages g join sites s on s.organization = g.organization and s.id = g.site
   where g.organization = $1 and g.id = $3::uuid
  returning true as inserted`;

/**
 * Which request it was is lost; which key was asked for is not. A site that sends its request again because it lost the
 * answer is known by its new key. The same key again is a license that was reissued by a change of the site: then the
 * place was taken over, and may be renewed by either.
 */
const SUPERSEDE = `
  update licenses p
     set reissued_as = case when p.public_key = $5 then $3 else p.reissued_as end,
         successor = case when p.public_key = $5 then p.successor else $3 end,
         renewal_request = case when p.public_key = $5 then p.renewal_request
                                when p.renewal_key = $5 then p.renewal_request else $5 end,
         renewal_key = case when p.public_key = $5 then p.renewal_key else $5 end,
         renewal_at = case when p.public_key = $5 then p.renewal_at else $6 end,
         status = case when p.status = 'current' then 'superseded' else p.status end
   where p.organization = $1 and p.successor is null and p.reissued_as is null
     and p.serial = (select l.predecessor from licenses l where l.organization = $1 and l.serial = $3)
     and p.lineage = $2::uuid and p.sequence < $4`;

const ADVANCE = `
  with moved as (
    update lineages set sequence = $4, head = $3 where organization = $1 and id = $2::uuid and sequence < $4
    returning site
  )
  update sites s set status = 'active', updated_at = $5, version = s.version + 1
    from moved m where s.organization = $1 and s.id = m.site and s.status = 'pending'`;

const SPEND = `
  update enrolment_tokens t set withdrawn_at = $4
    from lineages g join sites s on s.organization = g.organization and s.id = g.site
   where g.organization = $1 and g.id = $2::uuid and t.organization = g.organization
     and t.request is null and t.withdrawn_at is null and (t.expires_at > $4 or t.asked_key is not null)
     and (t.site = s.id
          or t.site is null and t.contract = s.contract and t.mode = $3 and coalesce(t.name, s.name) = s.name)
  returning t.id`;

// Which of several it was no certificate tells, nor what it was called if it is forgotten too; that there is one decides.
const TRUST_RULE = `
  case when $11 then coalesce((select r.id from trust_rules r
                                where r.organization = $1 and r.contract = $8 and r.mode = $9
                                order by r.id limit 1), $7::uuid) end`;

/** A site that was installed anew has the name, and a lineage that is over. Undefined: the name is another's. */
async function siteFor(
  tx: Transaction,
  license: ToldLicense,
  enterprise: string,
  id: string,
  at: Date,
): Promise<string | undefined> {
  const { organization, contract, site: name, mode, lineage, shares, fingerprints } = license;
  const common = [organization, enterprise, name, lineage, JSON.stringify(fingerprints), at];
  const [known] = await sql(tx).query<{ id: string; anew: boolean }>(
    `select s.id, g.status = 'closed' as anew from sites s
       join lineages g on g.organization = s.organization and g.id = s.lineage
      where s.organization = $1 and s.enterprise = $2 and s.name = $3 and s.status <> 'retired' for update of s`,
    common.slice(0, 3),
  );
  if (known !== undefined) {
    if (!known.anew) return undefined;
    await sql(tx).query(
      `update sites set lineage = $4, fingerprints = $5, updated_at = $6, version = version + 1
        where organization = $1 and enterprise = $2 and name = $3 and id = $7`,
      [...common, known.id],
    );
    return known.id;
  }
  await sql(tx).query(
    `insert into sites (organization, enterprise, name, lineage, fingerprints, created_at, updated_at, version, id,
                        contract, mode, status, shares, labels, trust_rule)
     values ($1, $2, $3, $4, $5, $6, $6, 1, $7, $8, $9, 'pending', $10, '{}', ${TRUST_RULE})`,
    [...common, id, contract, mode, JSON.stringify(shares), license.isBuild],
  );
  return id;
}

const TOLD = `
  told as (
    select l.organization, l.serial, l.lineage, l.site, r.reason, l.serial = g.head as is_head
      from unnest($1::text[], $2::text[]) as asked(issuer, serial)
      join revocations r on r.issuer = asked.issuer and r.serial = decode(asked.serial, 'hex')
      join licenses l on l.organization = r.organization and l.serial = asked.serial
      join lineages g on g.organization = l.organization and g.id = l.lineage
  )`;

/**
 * By the reasons that the domain gives: cessationOfOperation (5) is the end of a site, superseded (4)
 * of a lineage whose site was installed anew, certificateHold (6) a suspension, removeFromCRL (8) the end of one. Of a CA
 * certificate the last two are those of its enterprise.
 */
const FOLLOW: readonly { readonly text: string; readonly isDated: boolean }[] = [
  {
    text: `with ${TOLD}
      update licenses l
         set status = case when t.reason = 6 then 'suspended' when t.reason <> 8 then 'revoked'
                           when l.successor is null and l.reissued_as is null then 'current' else 'superseded' end
        from told t where l.organization = t.organization and l.serial = t.serial
         and l.status <> 'revoked' and (t.reason <> 8 or l.status = 'suspended')`,
    isDated: false,
  },
  {
    text: `with ${TOLD}
      update lineages g
         set status = case when t.reason in (4, 5) then 'closed' else g.status end,
             held = t.reason = 6
        from told t where t.is_head and t.reason in (4, 5, 6, 8)
         and g.organization = t.organization and g.id = t.lineage and g.status <> 'closed'`,
    isDated: false,
  },
  {
    text: `with ${TOLD}
      update sites s
         set status = case t.reason when 5 then 'retired' when 6 then 'suspended' else 'active' end,
             updated_at = $3, version = s.version + 1
        from told t where t.is_head and t.reason in (5, 6, 8)
         and s.organization = t.organization and s.id = t.site and s.lineage = t.lineage and s.status <> 'retired'
         and s.status <> case t.reason when 5 then 'retired' when 6 then 'suspended' else 'active' end`,
    isDated: true,
  },
  {
    text: `with told as (
        select c.organization, c.enterprise, bool_or(r.reason = 6) as held
          from unnest($1::text[], $2::text[]) as asked(issuer, serial)
          join revocations r on r.issuer = asked.issuer and r.serial = decode(asked.serial, 'hex') and r.reason in (6, 8)
          join certificates c on c.issuer = r.issuer and c.serial = r.serial
           and c.kept_until = '9999-12-31 00:00:00Z' and c.profile = 'enterprise'
         group by c.organization, c.enterprise
      )
      update enterprises e
         set status = case when t.held then 'suspended' else 'active' end, held = t.held,
             updated_at = $3, version = e.version + 1
        from told t where e.organization = t.organization and e.slug = t.enterprise
         and e.status <> 'closed' and e.held <> t.held`,
    isDated: true,
  },
];
