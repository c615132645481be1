import { decodeCertificate, fromHex } from '@licet/format';
import type { CertificateFinder, FoundCertificate, KnownKey } from '../../authority/ports/certificates.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { sql } from '../transactions.ts';
import { bytea, columns, hex, plain } from '../columns.ts';
import { usable } from './revocation-queries.ts';

export const certificateFinder: CertificateFinder = {
  async licenses(tx, names) {
    // Through the domain's rows, which know the issuer: serials are unique to an issuer, and are indexed so. One by one
    // (lateral, limit 1), because of all issuers together the planner would rather read everything.
    const rows = await sql(tx).prepared<{ number: number; issuer: string; certificate: Buffer }>(
      `select g.number::integer as number, found.issuer, found.certificate
         from unnest($1::text[], $2::text[], $3::bytea[]) with ordinality as g(organization, name, serial, number)
         join licenses l on l.organization = g.organization and l.serial = g.name
        cross join lateral (
          select c.issuer, c.certificate from serials s
            join certificates c on c.issuer = s.issuer and c.serial = s.serial and c.kept_until = s.kept_until
           where s.issuer = l.issuer_key and s.serial = g.serial limit 1) as found`,
      columns(
        names,
        ({ organization }) => organization,
        ({ serial }) => serial,
        ({ serial }) => fromHex(serial),
      ),
    );
    const byNumber = new Map(rows.map((row) => [row.number, row]));
    return names.map((_, index) => {
      const row = byNumber.get(index + 1);
      return row && { issuer: row.issuer, certificate: plain(row.certificate) };
    });
  },

  async key(tx, publicKey) {
    const rows = await sql(tx).query<KnownKey>(
      'select owner, blocked as "isBlocked" from public_keys where hash = $1',
      [bytea(publicKey)],
    );
    return rows[0];
  },

  authorities: (tx, { organization, enterprise }, at) =>
    authorities(tx, at, `${OF_TENANT} and ${UNEXPIRED}`, [organization, enterprise ?? null]),
  below: (tx, issuer, at) =>
    authorities(tx, at, `c.issuer = $2 and c.profile <> $3 and ${usable('$1')}`, [issuer, 'root']),

  async live(tx, signed, at) {
    const [row] = await sql(tx).query<{ count: string; until: Date | null }>(
      `select count(*) as count, max(licet_grace_until(s.not_after, s.grace)) as until
         from unnest($1::text[], $2::timestamptz[]) as g(issuer, up_to)
         join certificates c on c.issuer = g.issuer and c.not_before <= coalesce(g.up_to, 'infinity')
         join serials s on s.issuer = c.issuer and s.serial = c.serial
         left join revocations r on r.issuer = c.issuer and r.serial = c.serial
        where licet_grace_until(s.not_after, s.grace) >= $3 and c.profile <> 'ocsp' and c.kept_until < '9999-01-01 00:00:00Z' and ${COUNTS}`,
      [signed.map(({ issuer }) => issuer), signed.map(({ upTo }) => upTo ?? null), at],
    );
    return { count: Number(row?.count ?? 0), until: row?.until ?? undefined };
  },
};

/** Of a key that is here and out of office nothing more comes; of one that is elsewhere nobody knows. */
export async function grantingOf(
  tx: Transaction,
  organization: string,
  enterprise: string,
  at: Date,
): Promise<readonly FoundCertificate[]> {
  const found = await authorities(tx, at, `${OF_TENANT} and ${usable('$1')}`, [organization, enterprise]);
  const former = await sql(tx).query<{ key_identifier: Buffer }>(
    `select key_identifier from authorities where organization = $1 and enterprise = $2 and held and status <> 'active'`,
    [organization, enterprise],
  );
  const names = new Set(former.map(({ key_identifier: identifier }) => hex(identifier)));
  return found.filter(({ certificate }) => {
    const { subjectKeyIdentifier } = decodeCertificate(certificate).extensions;
    return subjectKeyIdentifier === undefined || !names.has(hex(subjectKeyIdentifier));
  });
}

/** Not revoked for good: certificateHold (6) may end, removeFromCRL (8) has ended. */
const COUNTS = '(r.reason is null or r.reason in (6, 8))';
const UNEXPIRED = 'c.not_after > $1';
const OF_TENANT = 'c.organization = $2 and c.enterprise is not distinct from $3';

/** Certificates of authorities are in a partition of their own. */
async function authorities(
  tx: Transaction,
  at: Date,
  where: string,
  values: readonly unknown[],
): Promise<readonly FoundCertificate[]> {
  const rows = await sql(tx).query<{ issuer: string; certificate: Buffer }>(
    `select c.issuer, c.certificate from certificates c
       left join revocations r on r.issuer = c.issuer and r.serial = c.serial
      where c.kept_until = '9999-12-31 00:00:00Z' and ${where} and ${COUNTS}
      order by c.issued_at, c.issuer, c.serial`,
    [at, ...values],
  );
  return rows.map(({ issuer, certificate }) => ({ issuer, certificate: plain(certificate) }));
}
