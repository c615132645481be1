import { createHash } from 'node:crypto';
import { decodeCertificate, decodePem, toHex } from '@licet/format';
import type { Shop } from './shop.ts';

const STEP = 250_000;

/** The serial of a certificate of the history. They count up: B-trees that are filled from left to right are filled fast. */
export const oldSerial = (number: number): string =>
  `01${number.toString(16).padStart(8, '0')}${createHash('md5').update(String(number)).digest('hex').slice(0, 24)}`;

/**
 * What is left of licenses that the sites of the fleet had before: everything that the database keeps of each, written
 * without the work of issuing. Stops when the time is over; gives how many there are.
 */
export async function history(
  shop: Shop,
  model: string,
  { certificates, mostSeconds }: { readonly certificates: number; readonly mostSeconds: number },
): Promise<number> {
  const { der, serial } = decodeCertificate(decodePem(model, 'CERTIFICATE')[0]!.bytes);
  const began = performance.now();
  let stored = 0;
  await shop.sql('set synchronous_commit to off');
  while (stored < certificates && performance.now() - began < mostSeconds * 1000) {
    const to = Math.min(stored + STEP, certificates);
    for (const table of TABLES)
      await shop.sql(table, [toHex(serial), stored + 1, to, Buffer.from(der)].slice(0, placesIn(table)));
    stored = to;
  }
  await shop.sql('vacuum analyze');
  await shop.sql('checkpoint');
  return stored;
}

const placesIn = (text: string): number => (text.includes('$4') ? 4 : 3);

const NUMBERS = `
  with model as (select * from licenses where serial = $1), numbers as (
    select n, '01' || lpad(to_hex(n), 8, '0') || left(md5(n::text), 24) as serial
      from generate_series($2::integer, $3::integer) as n
  )`;

const TABLES: readonly string[] = [
  `${NUMBERS} insert into serials (issuer, serial, organization, crl_shard, not_after, kept_until)
   select m.issuer_key, decode(n.serial, 'hex'), m.organization, n % 16, m.not_after, m.not_after from numbers n, model m`,
  `${NUMBERS} insert into certificates (issuer, serial, kept_until, organization, profile, certificate, not_before, not_after,
                                       context, issued_at)
   select m.issuer_key, decode(n.serial, 'hex'), m.not_after, m.organization, 'site', $4::bytea, m.not_before, m.not_after,
          '{}', m.not_before from numbers n, model m`,
  `${NUMBERS} insert into issue_requests (request, issuer, serial, organization, not_after, at)
   select sha256(n.serial::bytea), m.issuer_key, decode(n.serial, 'hex'), m.organization, m.not_after, m.not_before
     from numbers n, model m order by 1`,
  `${NUMBERS} insert into public_keys (hash, organization, owner)
   select sha256(('key ' || n.serial)::bytea), m.organization, 'lineage ' || m.lineage from numbers n, model m order by 1`,
  `${NUMBERS}, fleet as (
     select id, site, row_number() over (order by id) as number, count(*) over () as size from lineages
   ) insert into licenses (organization, serial, issuer_key, enterprise, contract, site, lineage, sequence, mode, public_key,
                           not_before, not_after, status)
   select m.organization, n.serial, m.issuer_key, m.enterprise, m.contract, f.site, f.id, 0, m.mode,
          sha256(('key ' || n.serial)::bytea), m.not_before, m.not_after, 'superseded'
     from numbers n, model m, fleet f where f.number = 1 + n % f.size order by n.serial`,
];
