import type { Issued, RevocationEvent } from '@licet/authority';
import { excess } from '@licet/format';
import { contractClaims } from '../../licensing/contracts/claims.ts';
import { isId } from '../../licensing/model/id.ts';
import type { License } from '../../licensing/model/license.ts';
import type { EventType } from '../../licensing/notices/catalog.ts';
import type { NewEvent } from '../../licensing/ports/outbox.ts';
import type { Revocations } from '../../licensing/ports/revocations.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { columns, hex } from '../columns.ts';
import type { Committed } from '../authority/certificate-store.ts';
import { graceOf } from '../authority/intent-row.ts';
import { sql } from '../transactions.ts';
import { stores } from './stores.ts';

type Stored = { serial: string; status: License['status']; organization: string };

/**
 * The domain's side of what was issued, in the transaction that commits it. A certificate whose site or enterprise was
 * suspended or ended while it was being made shares that fate before anybody has it.
 */
export function createIssuedRecorder({ within }: Pick<Revocations, 'within'>) {
  return async function record(tx: Transaction, issued: readonly Issued[]): Promise<Committed> {
    const { told, fates } = await recordIssuedLicenses(tx, issued);
    const tells: (() => void)[] = [];
    for (const { one, event } of [...fates, ...(await fatesOfAuthorities(tx, issued))]) {
      const { intent, at } = one;
      const { organization, issuer, serial, context: facts } = intent;
      const { principal = 'system', site, lineage, contract } = facts;
      const context = Object.fromEntries(
        Object.entries({ site, lineage, contract }).filter(
          (entry): entry is [string, string] => entry[1] !== undefined,
        ),
      );
      tells.push(await within(tx, { organization, principal, at }, [{ event, of: [{ issuer, serial }], context }]));
    }
    return { told, after: () => tells.forEach((tell) => tell()) };
  };
}

type Fate = { readonly one: Issued; readonly event: RevocationEvent };

const END = { type: 'revoke', reason: 'cessationOfOperation' } as const;

/**
 * Whoever holds or closes an enterprise, or changes or ends a contract, has its row: what they decided is seen here, and
 * they see what is written here.
 */
async function fatesOfAuthorities(tx: Transaction, issued: readonly Issued[]): Promise<Fate[]> {
  const fates: Fate[] = [];
  for (const one of issued) {
    const { profile, organization, enterprise } = one.intent;
    if (profile !== 'enterprise' || enterprise === undefined) continue;
    const [row] = await sql(tx).query<{ status: string; held: boolean }>(
      'select status, held from enterprises where organization = $1 and slug = $2 for share',
      [organization, enterprise],
    );
    const end = row?.status === 'closed' ? END : await endByContract(tx, one.intent);
    if (end !== undefined) fates.push({ one, event: end });
    else if (row?.held === true) fates.push({ one, event: { type: 'hold' } });
  }
  return fates;
}

/** Of a contract that was lowered meanwhile, or of one that has ended while its CA is kept by the enterprise. */
async function endByContract(
  tx: Transaction,
  { claims, context }: Issued['intent'],
): Promise<RevocationEvent | undefined> {
  if (claims === undefined || !isId(claims.id)) return undefined;
  await sql(tx).query('select 1 from contracts where id = $1 for share', [claims.id]);
  const contract = await stores.contracts.get(tx, claims.id);
  if (contract === undefined) return undefined;
  if (contract.status === 'ended') return context['delegated'] === undefined ? undefined : END;
  return excess(contractClaims(contract), claims).length > 0 ? { type: 'revoke', reason: 'superseded' } : undefined;
}

/**
 * What becomes true with issued licenses, in the transaction that commits their certificates: the license, the newest of
 * its lineage, the use of its predecessor, the site that has come to life. Three statements for a batch of any size.
 *
 * The facts come from the order (`licenseContext`); certificates that are no license are left alone.
 */
async function recordIssuedLicenses(
  tx: Transaction,
  issued: readonly Issued[],
): Promise<Pick<Committed, 'told'> & { fates: Fate[] }> {
  const licenses = issued.filter(({ intent }) => intent.profile === 'site' && 'lineage' in intent.context);
  if (licenses.length === 0) return { told: new Map(), fates: [] };
  const lineages = columns(licenses, context('lineage'));
  const values = columns(licenses, ...COLUMNS.map(([, , value]) => value));
  const [, stored] = await Promise.all([
    sql(tx).prepared(LOCK_LINEAGES, lineages),
    sql(tx).prepared<Stored>(RECORD, values),
  ]);
  const byId = new Map(stored.map((row) => [`${row.organization} ${row.serial}`, row.status]));
  const statusOf = ({ intent }: Issued) => byId.get(`${intent.organization} ${hex(intent.serial)}`);
  const fates = licenses.flatMap((one): Fate[] => {
    const status = statusOf(one);
    if (status === 'revoked') return [{ one, event: END }];
    return status === 'suspended' ? [{ one, event: { type: 'hold' } }] : [];
  });
  return { told: new Map(licenses.map((one) => [one, eventsOf(one, statusOf(one))])), fates };
}

const context =
  (name: string) =>
  ({ intent }: Issued): string | null =>
    intent.context[name] ?? null;

const COLUMNS: readonly (readonly [name: string, type: string, value: (issued: Issued) => unknown])[] = [
  ['organization', 'text', ({ intent }) => intent.organization],
  ['serial', 'text', ({ intent }) => hex(intent.serial)],
  ['issuer_key', 'text', ({ intent }) => intent.issuer],
  ['enterprise', 'uuid', context('enterpriseId')],
  ['contract', 'uuid', context('contract')],
  ['site', 'uuid', context('site')],
  ['lineage', 'uuid', context('lineage')],
  ['sequence', 'integer', ({ intent }) => Number(intent.context['sequence'])],
  ['predecessor', 'text', context('predecessor')],
  ['mode', 'text', context('mode')],
  ['public_key', 'bytea', ({ intent }) => intent.publicKey],
  ['not_before', 'timestamptz', ({ intent }) => intent.notBefore],
  ['not_after', 'timestamptz', ({ intent }) => intent.notAfter],
  ['grace', 'bigint', ({ intent }) => graceOf(intent)],
  ['kind', 'text', context('kind')],
  ['request', 'bytea', ({ intent }) => intent.csr],
  ['at', 'timestamptz', ({ at }) => at],
];

// Whoever suspends or retires a site holds the lock of its lineage: what they decided is seen by the next statement,
// and what is written here is seen by them.
const LOCK_LINEAGES = 'select 1 from lineages where id = any($1::uuid[]) order by id for update';

const NAMES = COLUMNS.map(([name]) => name).join(', ');
const ARRAYS = COLUMNS.map(([, type], index) => `$${index + 1}::${type}[]`).join(', ');
const LICENSE_NAMES = NAMES.replace(', kind, request, at', '');

// A license that takes the place of another by a change of the site takes over how that was renewed: whichever of the
// two a machine shows, there is one successor. Whatever took the place of a predecessor came after it: of a lineage of
// many years no more is read than that.
const RECORD = `
  with given as (
    select * from unnest(${ARRAYS}) as g(${NAMES})
  ), newest as (
    select distinct on (lineage) * from given order by lineage, sequence desc
  ), moved as (
    update lineages l set sequence = n.sequence, head = n.serial
      from newest n where l.organization = n.organization and l.id = n.lineage and l.sequence < n.sequence
  ), used as (
    update licenses p
       set successor = case when g.kind = 'renewal' then g.serial else p.successor end,
           reissued_as = case when g.kind = 'reissue' then g.serial else p.reissued_as end,
           status = case when p.status = 'current' then 'superseded' else p.status end
      from given g
      join licenses q on q.organization = g.organization and q.serial = g.predecessor
     where p.organization = g.organization
       and p.lineage = g.lineage
       and p.sequence >= case when g.kind = 'renewal' then q.sequence else 0 end
       and (g.kind = 'renewal' and p.renewal_request = g.request
            or g.kind = 'reissue' and (p.serial = g.predecessor or p.reissued_as = g.predecessor))
  ), alive as (
    update sites s set status = 'active', updated_at = g.at, version = s.version + 1
      from given g
     where g.kind in ('first', 'build') and s.organization = g.organization and s.id = g.site and s.status = 'pending'
  )
  insert into licenses (${LICENSE_NAMES}, status, renewal_request, renewal_key, renewal_at, successor)
  select ${LICENSE_NAMES.replaceAll(/(\w+)/g, 'g.$1')},
         case when l.status = 'closed' then 'revoked' when l.held then 'suspended'
              when p.successor is not null then 'superseded' else 'current' end,
         p.renewal_request, p.renewal_key, p.renewal_at, p.successor
    from given g
    join lineages l on l.organization = g.organization and l.id = g.lineage
    left join licenses p
      on p.organization = g.organization and p.serial = case when g.kind = 'reissue' then g.predecessor end
  returning organization, serial, status`;

const ISSUED: Readonly<Record<string, EventType>> = {
  first: 'license.issued',
  build: 'license.issued',
  renewal: 'license.renewed',
  reissue: 'license.reissued',
  branch: 'license.issued',
};

function eventsOf({ intent, at }: Issued, status: Stored['status'] | undefined): NewEvent[] {
  const { organization, notBefore, notAfter, issuer } = intent;
  const { principal: actor = 'system', enterpriseId, kind = 'first', ...facts } = intent.context;
  const subject = `lineage:${facts['lineage']}`;
  const serial = hex(intent.serial);
  const event = (type: EventType, more: Readonly<Record<string, unknown>>): NewEvent => ({
    organization,
    stream: subject,
    type,
    payload: { ...facts, enterprise: enterpriseId, issuer, serial, subject, actor, ...more },
    at,
  });
  const dates = { notBefore: notBefore.toISOString(), notAfter: notAfter.toISOString() };
  const events = [event(ISSUED[kind] ?? 'license.issued', { kind, ...dates })];
  if (status === 'revoked') events.push(event('license.revoked', { reason: END.reason }));
  if (status === 'suspended') events.push(event('license.suspended', {}));
  return events;
}
