import type { CertificateId, Enterprise, RevocationStore } from '@licet/authority';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { sql } from '../transactions.ts';
import { bytea } from '../columns.ts';

type IdRow = { issuer: string; serial: Buffer };

const idOf = ({ issuer, serial }: IdRow): CertificateId => ({ issuer, serial });

export async function lastChange(tx: Transaction): Promise<bigint> {
  const rows = await sql(tx).query<{ last: string }>('select last::text as last from revocation_changes');
  return BigInt(rows[0]?.last ?? 0);
}

export async function changedSince(
  tx: Transaction,
  change: bigint,
  limit: number,
): Promise<readonly CertificateId[] | undefined> {
  const rows = await sql(tx).query<IdRow>(
    'select issuer, serial from revocations where change > $1 order by change limit $2',
    [String(change), limit + 1],
  );
  return rows.length > limit ? undefined : rows.map(idOf);
}

export async function latest(tx: Transaction, limit: number): ReturnType<RevocationStore['latest']> {
  const rows = await sql(tx).query<IdRow & { crl_shard: number; revoked_at: Date }>(
    'select issuer, serial, crl_shard, revoked_at from revocations order by change desc, serial limit $1',
    [limit],
  );
  return rows.map((row) => ({ ...idOf(row), shard: row.crl_shard, changedAt: row.revoked_at }));
}

/** A certificate that has ended can be used on for the grace in its claims, and what it vouches for with it. */
export const usable = (at: string): string =>
  `exists (select from serials s where s.issuer = c.issuer and s.serial = c.serial
                                   and licet_grace_until(s.not_after, s.grace) >= ${at})`;

/** Certificates of authorities are few and in a partition of their own, whatever the number of licenses. */
export async function enterpriseOf(
  tx: Transaction,
  organization: string,
  enterprise: string,
  at: Date,
): Promise<Enterprise> {
  const certificates = await sql(tx).query<IdRow>(
    `select issuer, serial from certificates c
      where kept_until = '9999-12-31 00:00:00Z' and organization = $1 and enterprise = $2 and ${usable('$3')}
      order by issuer, serial`,
    [organization, enterprise, at],
  );
  const keys = await sql(tx).query<{ key: string }>(
    `select key from authorities where organization = $1 and enterprise = $2 and kind = 'enterprise' order by key`,
    [organization, enterprise],
  );
  return { certificates: certificates.map(idOf), keys: keys.map(({ key }) => key) };
}

/** Every certificate of the CAs whose keys an enterprise keeps itself, for one contract: it is delegated or it is not. */
export async function delegatedOf(
  tx: Transaction,
  of: { readonly organization: string; readonly enterprise: string; readonly contract: string; readonly at: Date },
): Promise<readonly CertificateId[]> {
  const rows = await sql(tx).query<IdRow>(
    `select issuer, serial from certificates c
      where kept_until = '9999-12-31 00:00:00Z' and organization = $1 and enterprise = $2 and ${usable('$3')}
        and context ->> 'contract' = $4
        and exists (select 1 from authorities a where a.organization = $1 and a.enterprise = $2
                                                  and a.contract::text = $4 and not a.held)
      order by issuer, serial`,
    [of.organization, of.enterprise, of.at, of.contract],
  );
  return rows.map(idOf);
}

/** A responder must go on saying that the others are revoked. */
export async function issuedBy(
  tx: Transaction,
  issuer: string,
  at: Date,
  after: Uint8Array | undefined,
  limit: number,
): Promise<readonly CertificateId[]> {
  const rows = await sql(tx).query<IdRow>(
    `select s.issuer, s.serial
       from serials s
       left join revocations r on r.issuer = s.issuer and r.serial = s.serial
       left join certificates c on c.issuer = s.issuer and c.serial = s.serial and c.kept_until = s.kept_until
      where s.issuer = $1 and s.serial > $2 and licet_grace_until(s.not_after, s.grace) >= $3
        and (r.reason is null or r.reason in (6, 8)) and c.profile is distinct from 'ocsp'
      order by s.serial limit $4`,
    [issuer, bytea(after ?? new Uint8Array()), at, limit],
  );
  return rows.map(idOf);
}
