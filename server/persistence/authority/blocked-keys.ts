import { createHash } from 'node:crypto';
import type { CertificateId } from '@licet/authority';
import { decodeCertificate } from '@licet/format';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { sql } from '../transactions.ts';
import { columns } from '../columns.ts';

type CertificateRow = { organization: string; certificate: Buffer };

/**
 * Whoever holds a private key that is not theirs can ask for a certificate of its public key: nobody gets one any more,
 * not even its owner. A blocked key has no owner.
 */
export async function blockKeys(tx: Transaction, ids: readonly CertificateId[]): Promise<void> {
  const rows = await sql(tx).query<CertificateRow>(
    `select c.organization, c.certificate
       from unnest($1::text[], $2::bytea[]) as g(issuer, serial)
       join serials s on s.issuer = g.issuer and s.serial = g.serial
       join certificates c on c.issuer = s.issuer and c.serial = s.serial and c.kept_until = s.kept_until`,
    columns(
      ids,
      ({ issuer }) => issuer,
      ({ serial }) => serial,
    ),
  );
  const organizations = new Map(rows.map((row) => [publicKeyHash(row.certificate), row.organization]));
  // In one order, as `reserve` has it, so that two who name the same keys wait for each other instead of deadlocking.
  const hashes = [...organizations.keys()].sort();
  await sql(tx).query(
    `insert into public_keys (hash, organization, owner, blocked)
     select decode(hash, 'hex'), organization, '', true from unnest($1::text[], $2::text[]) as k(hash, organization)
     on conflict (hash) do update set blocked = true`,
    [hashes, hashes.map((hash) => organizations.get(hash)!)],
  );
}

function publicKeyHash(certificate: Buffer): string {
  return createHash('sha256').update(decodeCertificate(certificate).publicKey.raw).digest('hex');
}
