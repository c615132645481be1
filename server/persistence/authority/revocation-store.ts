import {
  advanced,
  AuthorityError,
  type BegunOrder,
  type BulkOrder,
  type CertificateId,
  type ChangeOutcome,
  type Changing,
  type KnownCertificate,
  NO_OUTCOMES,
  reasonNumberOf,
  type RevocationOrder,
  type RevocationStore,
  stateOf,
  step,
} from '@licet/authority';
import type { AuditLog } from '../../licensing/ports/audit-log.ts';
import type { Leases } from '../../licensing/ports/leases.ts';
import type { Outbox } from '../../licensing/ports/outbox.ts';
import type { Transaction, Transactions } from '../../licensing/ports/transactions.ts';
import type { RevocationsWithin } from '../../authority/ports/revocations-within.ts';
import { asPlatform, sql } from '../transactions.ts';
import { retireDelegated } from './authorities.ts';
import { blockKeys } from './blocked-keys.ts';
import { grantingOf } from './certificate-finder.ts';
import { bytea, columns, hex } from '../columns.ts';
import { createCrlStore } from './crl-store.ts';
import { changedSince, delegatedOf, enterpriseOf, issuedBy, lastChange, latest } from './revocation-queries.ts';

export type RevocationStoreDeps = {
  readonly transactions: Transactions;
  readonly auditLog: AuditLog;
  readonly outbox: Outbox;
  readonly leases: Leases;
  /** Names this process as the holder of leases. */
  readonly holder: string;
  /** How long a process that died keeps others from publishing what it was at. */
  readonly holdSeconds?: number;
  /** What else becomes true with the changes, in their transaction: the domain's own rows. */
  readonly changed?: readonly Follower[];
};

export type Follower = (
  tx: Transaction,
  order: RevocationOrder,
  ids: readonly CertificateId[],
  at: Date,
) => Promise<void>;

/** As a part of a transaction of somebody else's. */
export function createRevocationsWithin(deps: RevocationStoreDeps): RevocationsWithin {
  return (tx) => ({
    find: (ids) => asPlatform(tx, (all) => find(all, ids)),
    change: (order, ids, at, how) => asPlatform(tx, (all) => change(all, deps, { order, ids, at, ...how })),
    enterprise: (organization, enterprise, at) =>
      asPlatform(tx, (all) => enterpriseOf(all, organization, enterprise, at)),
    begin: (organization, id, progress, at) => asPlatform(tx, (all) => begin(all, organization, { id, progress, at })),
    delegated: (organization, enterprise, contract, at) =>
      asPlatform(tx, (all) => delegatedOf(all, { organization, enterprise, contract, at })),
    retireDelegated: (organization, enterprise, contract) =>
      asPlatform(tx, (all) => retireDelegated(all, organization, enterprise, contract)),
    granting: (organization, enterprise, at) => asPlatform(tx, (all) => grantingOf(all, organization, enterprise, at)),
  });
}

/** Revocations on PostgreSQL, in the platform's scope: the status of a certificate is no secret, and CRLs know no tenant. */
export function createRevocationStore(deps: RevocationStoreDeps): RevocationStore {
  const { transactions } = deps;
  const reading = <T>(work: (tx: Transaction) => Promise<T>): Promise<T> =>
    transactions.run('platform', work, { readOnly: true });
  return {
    ...createCrlStore(deps),
    find: (ids) => (ids.length === 0 ? Promise.resolve([]) : reading((tx) => find(tx, ids))),
    change: (order, ids, at, how) => transactions.run('platform', (tx) => change(tx, deps, { order, ids, at, ...how })),
    order: (organization, id) => reading((tx) => orderOf(tx, organization, id)),
    enterprise: (organization, enterprise, at) => reading((tx) => enterpriseOf(tx, organization, enterprise, at)),
    issuedBy: (issuer, at, after, limit) => reading((tx) => issuedBy(tx, issuer, at, after, limit)),
    lastChange: () => reading(lastChange),
    changedSince: (number, limit) => reading((tx) => changedSince(tx, number, limit)),
    latest: (limit) => reading((tx) => latest(tx, limit)),
  };
}

type StatusRow = {
  number: number;
  organization: string;
  crl_shard: number;
  grace_until: Date;
  closed: boolean;
  reason: number | null;
  revoked_at: Date | null;
};

async function find(tx: Transaction, ids: readonly CertificateId[]): Promise<(KnownCertificate | undefined)[]> {
  const rows = await sql(tx).query<StatusRow>(
    `select g.number::integer as number, s.organization, s.crl_shard, s.closed, r.reason, r.revoked_at,
            licet_grace_until(s.not_after, s.grace) as grace_until
       from unnest($1::text[], $2::bytea[]) with ordinality as g(issuer, serial, number)
       join serials s on s.issuer = g.issuer and s.serial = g.serial
       left join revocations r on r.issuer = g.issuer and r.serial = g.serial`,
    columns(
      ids,
      ({ issuer }) => issuer,
      ({ serial }) => serial,
    ),
  );
  const found: (KnownCertificate | undefined)[] = ids.map(() => undefined);
  for (const row of rows) {
    found[row.number - 1] = {
      organization: row.organization,
      crlShard: row.crl_shard,
      graceUntil: row.grace_until,
      closed: row.closed,
      state: row.reason === null ? { state: 'valid' } : stateOf(row.reason, row.revoked_at!),
    };
  }
  return found;
}

type Change = Changing & {
  readonly order: RevocationOrder;
  readonly ids: readonly CertificateId[];
  readonly at: Date;
};

async function change(tx: Transaction, deps: RevocationStoreDeps, asked: Change): Promise<ChangeOutcome[]> {
  const { order, ids, at, bulk, journal } = asked;
  // First, so that from here on nobody else changes anything: what is read now is what holds.
  const [row] = await sql(tx).query<{ last: string }>(
    'update revocation_changes set last = last + 1 returning last::text as last',
  );
  const known = await find(tx, ids);
  const done = new Set<string>();
  const outcomes = ids.map((id, i): ChangeOutcome => {
    const certificate = known[i];
    if (certificate === undefined || certificate.organization !== order.organization) return 'NOT_ISSUED';
    if (done.has(keyOf(id))) return 'unchanged';
    const outcome = step(certificate.state, order.event);
    if (outcome === 'applied') done.add(keyOf(id));
    return outcome;
  });
  const applied = ids.filter((_, i) => outcomes[i] === 'applied');
  if (bulk !== undefined) await storeProgress(tx, order.organization, bulk, outcomes, at);
  if (applied.length === 0) return outcomes;
  await journal?.(applied);
  await write(tx, asked, applied, row!.last);
  if (isCompromise(order)) await blockKeys(tx, applied);
  for (const follow of deps.changed ?? []) await follow(tx, order, applied, at);
  await deps.outbox.publish(
    tx,
    applied.map((id) => eventOf(order, id, at)),
  );
  // Last, because it locks the heads of the chains until the end of the transaction.
  await deps.auditLog.append(
    tx,
    applied.map((id) => auditEntryOf(order, id, at)),
  );
  return outcomes;
}

/** RFC 5280 §5.3.1: the private key of the certificate is known to others. */
const isCompromise = ({ event }: RevocationOrder): boolean =>
  event.type === 'revoke' && (event.reason === 'keyCompromise' || event.reason === 'cACompromise');

const keyOf = ({ issuer, serial }: CertificateId): string => `${issuer}/${hex(serial)}`;

async function write(tx: Transaction, { order, at }: Change, ids: readonly CertificateId[], number: string) {
  const { event } = order;
  const invalidSince = event.type === 'revoke' ? (event.invalidSince ?? null) : null;
  // What was suspended and is now revoked has not been valid since the suspension (RFC 5280 5.3.2).
  await sql(tx).query(
    `insert into revocations as r (issuer, serial, organization, crl_shard, not_after, grace, reason,
                                   revoked_at, invalid_since, change)
     select s.issuer, s.serial, s.organization, s.crl_shard, s.not_after, s.grace, $3, $4, $5, $6
       from unnest($1::text[], $2::bytea[]) as g(issuer, serial)
       join serials s on s.issuer = g.issuer and s.serial = g.serial
     on conflict (issuer, serial) do update
       set reason = excluded.reason, revoked_at = excluded.revoked_at, change = excluded.change,
           invalid_since = case when r.reason = 6 and excluded.reason <> 8
                                then least(r.revoked_at, excluded.invalid_since) else excluded.invalid_since end`,
    [
      ...columns(
        ids,
        ({ issuer }) => issuer,
        ({ serial }) => serial,
      ),
      reasonNumberOf(event),
      at,
      invalidSince,
      number,
    ],
  );
}

type OrderRow = { digest: Buffer; total: number; done: number; outcomes: BegunOrder['outcomes']; at: Date };

async function orderOf(tx: Transaction, organization: string, id: string): Promise<BegunOrder | undefined> {
  const [row] = await sql(tx).query<OrderRow>(
    'select digest, total, done, outcomes, at from revocation_orders where organization = $1 and id = $2',
    [organization, id],
  );
  return row && { ...row, outcomes: { ...NO_OUTCOMES, ...row.outcomes } };
}

async function begin(
  tx: Transaction,
  organization: string,
  { id, progress: { digest, total, done, outcomes }, at }: Pick<BulkOrder, 'id' | 'progress'> & { readonly at: Date },
): Promise<void> {
  await sql(tx).query(
    `insert into revocation_orders (organization, id, digest, total, done, outcomes, at)
     values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing`,
    [organization, id, bytea(digest), total, done, JSON.stringify(outcomes), at],
  );
}

/** Two processes that carry out one order would count each other's work twice: the second is sent away. */
async function storeProgress(
  tx: Transaction,
  organization: string,
  { id, progress, besides }: BulkOrder,
  outcomes: readonly ChangeOutcome[],
  at: Date,
): Promise<void> {
  const { digest, total, done, outcomes: counts } = advanced(progress, [...outcomes, ...besides]);
  const rows = await sql(tx).query(
    `insert into revocation_orders as o (organization, id, digest, total, done, outcomes, at)
     values ($1, $2, $3, $4, $5, $6, $7)
     on conflict (organization, id) do update set done = excluded.done, outcomes = excluded.outcomes, at = excluded.at
       where o.digest = excluded.digest and o.done = $8
     returning 1`,
    [organization, id, bytea(digest), total, done, JSON.stringify(counts), at, progress.done],
  );
  if (rows.length === 1) return;
  throw new AuthorityError('ORDER_STALE', `Order "${id}" is being carried out by somebody else; ask for its progress.`);
}

const ACTIONS = {
  revoke: 'certificate.revoked',
  hold: 'certificate.suspended',
  reinstate: 'certificate.reinstated',
} as const;

const detailsOf = ({ event, context }: RevocationOrder) => ({
  ...(event.type === 'revoke' && { reason: event.reason }),
  ...context,
});

function auditEntryOf(order: RevocationOrder, id: CertificateId, at: Date) {
  return {
    organization: order.organization,
    at,
    actor: order.principal,
    action: ACTIONS[order.event.type],
    subject: `certificate:${keyOf(id)}`,
    details: detailsOf(order),
  };
}

function eventOf(order: RevocationOrder, id: CertificateId, at: Date) {
  return {
    organization: order.organization,
    stream: `certificate:${keyOf(id)}`,
    type: ACTIONS[order.event.type],
    payload: { issuer: id.issuer, serial: hex(id.serial), at: at.toISOString(), ...detailsOf(order) },
    at,
  };
}
