import { createHash } from 'node:crypto';
import { decodeCertificate, decodePem, encodePem, fromHex, toHex } from '@licet/format';
import type { Shop } from './shop.ts';

const serialOf = (name: string, number: number): string =>
  `01${createHash('md5').update(`serial ${name}-${number}`).digest('hex')}`;

/**
 * Sites that have a license each, as rows of the domain: what a renewal over the API looks at. They are like the site of
 * `model`, a license that was issued, in PEM. What is given back is what each of them would send: `model` with another
 * serial, since on the way of a renewal by token nothing but that is looked at.
 */
export async function makeFleet(shop: Shop, model: string, count: number, name = 'fleet'): Promise<string[]> {
  const { der, serial } = decodeCertificate(decodePem(model, 'CERTIFICATE')[0]!.bytes);
  await shop.sql(FLEET, [toHex(serial), count, name]);
  await shop.sql('analyze');
  const at = Buffer.from(der).indexOf(serial);
  return Array.from({ length: count }, (_, i) => {
    const copy = Buffer.from(der);
    copy.set(fromHex(serialOf(name, i + 1)), at);
    return encodePem('CERTIFICATE', copy);
  });
}

const FLEET = `
  with model as (
    select l.*, s.shares, s.fingerprints, s.labels from licenses l join sites s on s.id = l.site where serial = $1
  ), numbers as (
    select n, md5('site ' || $3 || '-' || n)::uuid as site, md5('lineage ' || $3 || '-' || n)::uuid as lineage, '01' || md5('serial ' || $3 || '-' || n) as serial
      from generate_series(1, $2::integer) as n
  ), made as (
    insert into sites (id, organization, created_at, updated_at, version, enterprise, contract, name, mode, status,
                       lineage, shares, fingerprints, labels)
    select n.site, m.organization, now(), now(), 1, m.enterprise, m.contract, $3 || '-' || n, m.mode, 'active', n.lineage,
           m.shares, m.fingerprints, m.labels from numbers n, model m
  ), lines as (
    insert into lineages (id, organization, site, sequence, head, status)
    select n.lineage, m.organization, n.site, 1, n.serial, 'live' from numbers n, model m
  )
  insert into licenses (organization, serial, issuer_key, enterprise, contract, site, lineage, sequence, mode, public_key,
                        not_before, not_after, status)
  select m.organization, n.serial, m.issuer_key, m.enterprise, m.contract, n.site, n.lineage, 1, m.mode,
         sha256(n.serial::bytea), m.not_before, m.not_after, 'current' from numbers n, model m`;
