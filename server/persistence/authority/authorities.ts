import type { Addresses, KeyAlgorithm } from '@licet/authority';
import { decodeCertsOnly, encodeCertsOnly } from '@licet/format';
import type {
  Authorities,
  Authority,
  AuthorityKind,
  AuthorityQuery,
  AuthorityStatus,
} from '../../authority/ports/authorities.ts';
import { LicetError } from '../../licensing/errors.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { codeOf } from '../faults.ts';
import { sql } from '../transactions.ts';
import { bytea, plain } from '../columns.ts';

type Row = {
  key: string;
  organization: string;
  kind: AuthorityKind;
  enterprise: string | null;
  contract: string | null;
  algorithm: KeyAlgorithm;
  parent: string | null;
  held: boolean;
  key_identifier: Buffer;
  certificate: Buffer;
  addresses: Addresses;
  status: AuthorityStatus;
  created_at: Date;
  links: Buffer | null;
  former: Buffer | null;
};

const UNIQUE_VIOLATION = '23505';
const BUMP = 'update authorities_version set version = version + 1';

export const authorities: Authorities = {
  async version(tx) {
    const rows = await sql(tx).query<{ version: string }>('select version from authorities_version');
    return BigInt(rows[0]?.version ?? 0);
  },

  get: (tx, key) => one(tx, 'key = $1', [key]),
  byKeyIdentifier: (tx, keyIdentifier) => one(tx, 'key_identifier = $1', [bytea(keyIdentifier)]),
  active: (tx, { organization, kind, enterprise, contract }) =>
    one(
      tx,
      `organization = $1 and kind = $2 and enterprise is not distinct from $3
       and (contract is not distinct from $4 or contract is null) and status = 'active'
       order by contract nulls last limit 1`,
      [organization, kind, enterprise ?? null, contract ?? null],
    ),

  async list(tx, query) {
    const { conditions, values } = conditionsOf(query);
    values.push(query.limit);
    const where = conditions.length === 0 ? '' : `where ${conditions.join(' and ')}`;
    const rows = await sql(tx).query<Row>(
      `select * from authorities ${where} order by key limit $${values.length}`,
      values,
    );
    return rows.map(authorityOf);
  },

  async save(tx, authority) {
    try {
      await upsert(tx, authority);
    } catch (error) {
      if (codeOf(error) !== UNIQUE_VIOLATION) throw error;
      const message = `There is another active ${authority.kind} authority of "${authority.organization}"; roll over.`;
      throw new LicetError('conflict', 'AUTHORITY_EXISTS', message, { cause: error });
    }
    await sql(tx).query(BUMP);
  },
};

/** The CAs that an enterprise keeps itself for a contract. */
export async function retireDelegated(
  tx: Transaction,
  organization: string,
  enterprise: string,
  contract: string,
): Promise<readonly Authority[]> {
  const rows = await sql(tx).query<Row>(
    `update authorities set status = 'retired'
      where organization = $1 and enterprise = $2 and contract::text = $3 and not held and status <> 'retired'
     returning *`,
    [organization, enterprise, contract],
  );
  if (rows.length > 0) await sql(tx).query(BUMP);
  return rows.map(authorityOf);
}

const bundled = (certificates: readonly Uint8Array[] | undefined): Buffer | null =>
  certificates === undefined ? null : bytea(encodeCertsOnly(certificates));

async function upsert(tx: Transaction, authority: Authority): Promise<void> {
  const { key, organization, kind, enterprise, contract, algorithm, parent, held } = authority;
  await sql(tx).query(
    `insert into authorities (key, organization, kind, enterprise, contract, algorithm, parent, held, key_identifier,
                              certificate, addresses, status, created_at, links, former)
     values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)
     on conflict (key) do update set parent = excluded.parent, certificate = excluded.certificate,
       addresses = excluded.addresses, status = excluded.status, links = excluded.links,
       former = excluded.former`,
    [
      key,
      organization,
      kind,
      enterprise ?? null,
      contract ?? null,
      algorithm,
      parent ?? null,
      held,
      bytea(authority.keyIdentifier),
      bytea(authority.certificate),
      JSON.stringify(authority.addresses),
      authority.status,
      authority.createdAt,
      bundled(authority.links),
      bundled(authority.former),
    ],
  );
}

function conditionsOf({ organization, kind, enterprise, parent, after }: AuthorityQuery) {
  const conditions: string[] = [];
  const values: unknown[] = [];
  const add = (value: unknown, condition: string) => {
    if (value === undefined) return;
    values.push(value);
    conditions.push(`${condition} $${values.length}`);
  };
  add(organization, 'organization =');
  add(kind, 'kind =');
  add(enterprise, 'enterprise =');
  add(parent, 'parent =');
  add(after, 'key >');
  return { conditions, values };
}

async function one(tx: Transaction, where: string, values: readonly unknown[]): Promise<Authority | undefined> {
  const [row] = await sql(tx).query<Row>(`select * from authorities where ${where}`, values);
  return row && authorityOf(row);
}

function authorityOf(row: Row): Authority {
  const { key, organization, kind, algorithm, held, addresses, status } = row;
  return {
    key,
    organization,
    kind,
    enterprise: row.enterprise ?? undefined,
    contract: row.contract ?? undefined,
    algorithm,
    parent: row.parent ?? undefined,
    held,
    keyIdentifier: plain(row.key_identifier),
    certificate: plain(row.certificate),
    addresses: { ...addresses, ocsp: addresses.ocsp },
    status,
    createdAt: row.created_at,
    ...(row.links !== null && { links: decodeCertsOnly(plain(row.links)) }),
    ...(row.former !== null && { former: decodeCertsOnly(plain(row.former)) }),
  };
}
