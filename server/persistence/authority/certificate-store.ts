import type { CertificateStore, Commitment, Intent, Issued } from '@licet/authority';
import type { AuditLog } from '../../licensing/ports/audit-log.ts';
import type { NewEvent, Outbox } from '../../licensing/ports/outbox.ts';
import type { Transaction, Transactions } from '../../licensing/ports/transactions.ts';
import { sql } from '../transactions.ts';
import { bytea, columns, hex } from '../columns.ts';
import { intentOf, type IntentRow } from './intent-row.ts';
import { reserveAll, type Taken } from './reserve.ts';

export type CertificateStoreDeps = {
  readonly transactions: Transactions;
  readonly auditLog: AuditLog;
  readonly outbox: Outbox;
  /** Who keeps rows of its own about what is issued. */
  readonly domain?: Domain;
};

/** Both within the transaction of the store. */
export type Domain = {
  /** Of what is to be recorded: the renewals and first licenses that another request has begun. */
  readonly taken: Taken;
  /** What else becomes true with certificates. */
  readonly committed: (tx: Transaction, issued: readonly Issued[]) => Promise<Committed>;
};

export type Committed = {
  /** What is said about one in the place of `certificate.issued`. */
  readonly told: ReadonlyMap<Issued, readonly NewEvent[]>;
  /** To be called when it is durable. */
  readonly after?: () => void;
};

const BATCH = { onePlan: true };

/** Profiles of authorities: their certificates are never dropped. */
const KEPT_FOREVER: ReadonlySet<string> = new Set(['root', 'organization', 'enterprise', 'service-ca']);
const FOREVER = new Date('9999-12-31T00:00:00Z');

export const keptUntil = (intent: Intent): Date => (KEPT_FOREVER.has(intent.profile) ? FOREVER : intent.notAfter);

/** The authority's store on PostgreSQL. A batch may hold several organizations, so it runs in the platform's scope. */
export function createCertificateStore(deps: CertificateStoreDeps): CertificateStore {
  const { transactions, domain } = deps;
  return {
    reserve: (intents) =>
      transactions.run('platform', (tx) => reserveAll(tx, intents, { keptUntil, taken: domain?.taken }), BATCH),
    commit: (issued) => commitAll(issued, deps),
    close: (intents, reason, at) => transactions.run('platform', (tx) => closeAll(tx, intents, reason, at, deps)),
    findByRequest: (request, at) => transactions.run('platform', (tx) => findByRequest(tx, request, at)),
    intentsWithoutCertificate: (before, limit) =>
      transactions.run('platform', async (tx) => {
        const query = 'select * from issue_intents where at < $1 order by at, issuer, serial limit $2';
        return (await sql(tx).query<IntentRow>(query, [before, limit])).map(intentOf);
      }),
  };
}

export type Key = { issuer: string; serial: Buffer };

export const keyOf = ({ issuer, serial }: { issuer: string; serial: Uint8Array }): string => `${issuer}/${hex(serial)}`;

async function commitAll(issued: readonly Issued[], deps: CertificateStoreDeps): Promise<Commitment[]> {
  const done = await deps.transactions.run('platform', (tx) => commitIn(tx, issued, deps), BATCH);
  done.after?.();
  return done.commitments;
}

type Done = { readonly commitments: Commitment[]; readonly after: Committed['after'] };

async function commitIn(
  tx: Transaction,
  issued: readonly Issued[],
  { auditLog, outbox, domain }: CertificateStoreDeps,
): Promise<Done> {
  const stored = new Set((await store(tx, issued)).map(keyOf));
  const fresh = issued.filter(({ intent }) => stored.has(keyOf(intent)));
  const rest = issued.filter(({ intent }) => !stored.has(keyOf(intent)));
  const there = await certificatesOf(tx, rest);
  let after: Done['after'];
  if (fresh.length > 0) {
    const more = await domain?.committed(tx, fresh);
    after = more?.after;
    const events = fresh.flatMap((one) => more?.told.get(one) ?? [eventOf(one)]);
    // The audit log last, because it locks the heads of the chains until the end of the transaction.
    await Promise.all([outbox.publish(tx, events), auditLog.append(tx, fresh.map(auditEntryOf))]);
  }
  const commitments = issued.map(({ intent, certificate }): Commitment => {
    if (stored.has(keyOf(intent))) return { outcome: 'committed' };
    const isThere = there.get(keyOf(intent))?.equals(certificate) === true;
    return { outcome: isThere ? 'already-committed' : 'closed' };
  });
  return { commitments, after };
}

/** An intent that is gone was committed or closed: only one that is taken out here is written. */
async function store(tx: Transaction, issued: readonly Issued[]): Promise<Key[]> {
  return sql(tx).prepared<Key>(
    `with given as (
       select * from unnest($1::text[], $2::bytea[], $3::bytea[], $4::timestamptz[], $5::timestamptz[])
         as g(issuer, serial, certificate, kept_until, issued_at)
     ), taken as (
       delete from issue_intents i using given g where i.issuer = g.issuer and i.serial = g.serial
       returning i.*
     )
     insert into certificates (issuer, serial, kept_until, organization, enterprise, profile, certificate, not_before,
                               not_after, context, issued_at)
     select t.issuer, t.serial, g.kept_until, t.organization, t.enterprise, t.profile, g.certificate, t.not_before,
            t.not_after, t.context, g.issued_at
       from taken t join given g on g.issuer = t.issuer and g.serial = t.serial
     returning issuer, serial`,
    columns(
      issued,
      ({ intent }) => intent.issuer,
      ({ intent }) => intent.serial,
      ({ certificate }) => certificate,
      ({ intent }) => keptUntil(intent),
      ({ at }) => at,
    ),
  );
}

async function certificatesOf(tx: Transaction, issued: readonly Issued[]): Promise<ReadonlyMap<string, Buffer>> {
  if (issued.length === 0) return new Map();
  const rows = await sql(tx).query<Key & { certificate: Buffer }>(
    `select c.issuer, c.serial, c.certificate from unnest($1::text[], $2::bytea[]) as g(issuer, serial)
       join serials s on s.issuer = g.issuer and s.serial = g.serial
       join certificates c on c.issuer = s.issuer and c.serial = s.serial and c.kept_until = s.kept_until`,
    columns(
      issued,
      ({ intent }) => intent.issuer,
      ({ intent }) => intent.serial,
    ),
  );
  return new Map(rows.map((row) => [keyOf(row), row.certificate]));
}

async function closeAll(
  tx: Transaction,
  intents: readonly Intent[],
  reason: string,
  at: Date,
  { auditLog }: CertificateStoreDeps,
): Promise<void> {
  const closed = await sql(tx).query<Key>(
    `with taken as (
       delete from issue_intents i using unnest($1::text[], $2::bytea[]) as g(issuer, serial)
        where i.issuer = g.issuer and i.serial = g.serial
       returning i.issuer, i.serial, i.request
     ), freed as (
       delete from issue_requests r using taken t
        where r.request = t.request and r.issuer = t.issuer and r.serial = t.serial
     )
     update serials s set closed = true from taken t where s.issuer = t.issuer and s.serial = t.serial
     returning s.issuer, s.serial`,
    columns(
      intents,
      (intent) => intent.issuer,
      (intent) => intent.serial,
    ),
  );
  const keys = new Set(closed.map(keyOf));
  const entries = intents.filter((intent) => keys.has(keyOf(intent))).map((intent) => ({ intent, at }));
  await auditLog.append(
    tx,
    entries.map((entry) => ({ ...auditEntryOf(entry), action: 'certificate.abandoned', details: { reason } })),
  );
}

async function findByRequest(tx: Transaction, request: Uint8Array, at: Date): Promise<Uint8Array | undefined> {
  const rows = await sql(tx).query<{ certificate: Buffer }>(
    `select c.certificate from issue_requests r
       join serials s using (issuer, serial)
       join certificates c on c.issuer = r.issuer and c.serial = r.serial and c.kept_until = s.kept_until
      where r.request = $1 and r.not_after > $2`,
    [bytea(request), at],
  );
  return rows[0]?.certificate;
}

export function auditEntryOf({ intent, at }: { intent: Intent; at: Date }) {
  const { principal = 'system', ...context } = intent.context;
  return {
    organization: intent.organization,
    at,
    actor: principal,
    action: 'certificate.issued',
    subject: `certificate:${keyOf(intent)}`,
    details: { profile: intent.profile, notAfter: intent.notAfter.toISOString(), ...context },
  };
}

export function eventOf({ intent, at }: Issued): NewEvent {
  const { issuer, serial, profile, organization, enterprise, context, notBefore, notAfter } = intent;
  return {
    organization,
    // One stream per owner of the key: the lineage of a site, or an authority.
    stream: intent.keyOwner,
    type: 'certificate.issued',
    payload: {
      issuer,
      serial: hex(serial),
      profile,
      enterprise: enterprise ?? null,
      notBefore: notBefore.toISOString(),
      notAfter: notAfter.toISOString(),
      ...context,
    },
    at,
  };
}
