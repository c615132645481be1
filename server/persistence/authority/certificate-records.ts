import type { Issued } from '@licet/authority';
import type { CertificateRecords, LostOrder } from '../../authority/ports/journal-marks.ts';
import type { AuditLog } from '../../licensing/ports/audit-log.ts';
import type { Outbox } from '../../licensing/ports/outbox.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { sql } from '../transactions.ts';
import { auditEntryOf, eventOf, type Key, keptUntil, keyOf } from './certificate-store.ts';
import { bytea, columns } from '../columns.ts';
import { graceOf } from './intent-row.ts';

/** The certificates as the journal knows them, written to where the database has forgotten them. */
export function createCertificateRecords(deps: { auditLog: AuditLog; outbox: Outbox }): CertificateRecords {
  return {
    async known(tx, serials) {
      if (serials.length === 0) return [];
      const rows = await sql(tx).query<{ known: boolean }>(
        `select s.serial is not null as known
           from unnest($1::text[], $2::bytea[]) with ordinality as g(issuer, serial, number)
           left join serials s on s.issuer = g.issuer and s.serial = g.serial order by g.number`,
        columns(
          serials,
          ({ issuer }) => issuer,
          ({ serial }) => serial,
        ),
      );
      return rows.map(({ known }) => known);
    },
    rebuild: (tx, issued) => rebuild(tx, issued, deps),
    takeSerials,
  };
}

async function rebuild(
  tx: Transaction,
  issued: readonly Issued[],
  { auditLog, outbox }: { auditLog: AuditLog; outbox: Outbox },
): Promise<number> {
  if (issued.length === 0) return 0;
  await insertSerials(
    tx,
    issued.map(({ intent }) => ({ ...intent, keptUntil: keptUntil(intent), grace: graceOf(intent) })),
    false,
  );
  const fresh = new Set((await insertCertificates(tx, issued)).map(keyOf));
  await ownKeys(tx, issued);
  const rebuilt = issued.filter(({ intent }) => fresh.has(keyOf(intent)));
  if (rebuilt.length === 0) return 0;
  await outbox.publish(
    tx,
    rebuilt.map((item) => ({ ...eventOf(item), type: 'certificate.reconciled' })),
  );
  await auditLog.append(
    tx,
    rebuilt.map((item) => ({ ...auditEntryOf(item), action: 'certificate.reconciled' })),
  );
  return rebuilt.length;
}

async function takeSerials(tx: Transaction, orders: readonly LostOrder[]): Promise<number> {
  if (orders.length === 0) return 0;
  const rows = await insertSerials(
    tx,
    orders.map((order) => ({ ...order, keptUntil: order.notAfter })),
    true,
  );
  return rows.length;
}

type SerialRow = LostOrder & { readonly keptUntil: Date };

function insertSerials(tx: Transaction, rows: readonly SerialRow[], closed: boolean): Promise<Key[]> {
  return sql(tx).query<Key>(
    `insert into serials (issuer, serial, organization, crl_shard, not_after, grace, kept_until, closed)
     select g.*, ${closed} from unnest($1::text[], $2::bytea[], $3::text[], $4::integer[], $5::timestamptz[],
                                       $6::bigint[], $7::timestamptz[]) as g
     on conflict do nothing returning issuer, serial`,
    columns(
      rows,
      ({ issuer }) => issuer,
      ({ serial }) => serial,
      ({ organization }) => organization,
      ({ crlShard }) => crlShard,
      ({ notAfter }) => notAfter,
      ({ grace }) => grace,
      (row) => row.keptUntil,
    ),
  );
}

function insertCertificates(tx: Transaction, issued: readonly Issued[]): Promise<Key[]> {
  return sql(tx).query<Key>(
    `insert into certificates (issuer, serial, kept_until, organization, enterprise, profile, certificate, not_before,
                               not_after, context, issued_at)
     select * from unnest($1::text[], $2::bytea[], $3::timestamptz[], $4::text[], $5::text[], $6::text[], $7::bytea[],
                          $8::timestamptz[], $9::timestamptz[], $10::jsonb[], $11::timestamptz[])
     on conflict do nothing returning issuer, serial`,
    columns(
      issued,
      ({ intent }) => intent.issuer,
      ({ intent }) => bytea(intent.serial),
      ({ intent }) => keptUntil(intent),
      ({ intent }) => intent.organization,
      ({ intent }) => intent.enterprise ?? null,
      ({ intent }) => intent.profile,
      ({ certificate }) => certificate,
      ({ intent }) => intent.notBefore,
      ({ intent }) => intent.notAfter,
      ({ intent }) => JSON.stringify(intent.context),
      ({ at }) => at,
    ),
  );
}

/** Whose key it is. One that the database remembers keeps its owner. */
async function ownKeys(tx: Transaction, issued: readonly Issued[]): Promise<void> {
  await sql(tx).query(
    `insert into public_keys (hash, organization, owner)
     select distinct on (hash) hash, organization, owner
       from unnest($1::bytea[], $2::text[], $3::text[]) as g(hash, organization, owner) order by hash
     on conflict do nothing`,
    columns(
      issued,
      ({ intent }) => bytea(intent.publicKey),
      ({ intent }) => intent.organization,
      ({ intent }) => intent.keyOwner,
    ),
  );
}
