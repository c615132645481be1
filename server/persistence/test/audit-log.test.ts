import assert from 'node:assert/strict';

import { checkAudit, exportAudit } from '../../licensing/audit/check.ts';
import { type AuditReport, verifyExport } from '../../licensing/audit/export.ts';
import { type AuditRow, type ChainHead, extendChain, GENESIS } from '../../licensing/audit/chain.ts';
import { LicetError } from '../../licensing/errors.ts';
import { type AuditEvent, PLATFORM_CHAIN } from '../../licensing/ports/audit-log.ts';
import { seededRandom } from '../../licensing/test/seeded-random.ts';
import { auditLog } from '../audit-log.ts';
import { sql } from '../database.ts';
import { DAMAGES } from '../../licensing/test/audit-damage.ts';
import { dropGuards, tamper } from './audit-drill.ts';
import { onBothHosts } from './test-database.ts';

const at = new Date('2026-05-01T12:00:00.123Z');
const event = (organization: string, n = 0): AuditEvent => ({
  organization,
  at,
  actor: 'user:7f3c',
  action: 'license.issued',
  subject: `site:${n}`,
  details: { serial: `0${n}`, nested: { b: 1, a: 'ü' } },
});
const events = (organization: string, count: number): AuditEvent[] =>
  Array.from({ length: count }, (_, n) => event(organization, n));

onBothHosts('The audit log', (getDatabase, host) => {
  let organization: string;
  let number = 0;
  beforeEach(() => {
    number += 1;
    organization = `org-${number}`;
  });
  const append = (list: readonly AuditEvent[]): Promise<readonly ChainHead[]> =>
    getDatabase().run('platform', (tx) => auditLog.append(tx, list));
  const rowsOf = (chain = organization): Promise<readonly AuditRow[]> =>
    getDatabase().run('platform', async (tx) => (await auditLog.page(tx, chain, undefined, 1000)).rows);
  const check = async (options: { from?: number; checkpoints?: readonly ChainHead[] } = {}): Promise<AuditReport> => {
    const reports = await Array.fromAsync(checkAudit(getDatabase(), auditLog, { organization, ...options }));
    assert.equal(reports.length, 1);
    return reports[0]!;
  };
  const asSuperuser = (query: string, values: unknown[] = []): Promise<unknown> =>
    getDatabase().dataSource.query(query, values);

  it('numbers each chain from 1 and links each row to the one before', async () => {
    await append([event(organization, 1), event(`${organization}-b`, 2), event(organization, 3)]);
    await append([event(organization, 4)]);
    const rows = await rowsOf();
    assert.deepEqual(
      rows.map((row) => [row.sequence, row.subject]),
      [
        [1, 'site:1'],
        [2, 'site:3'],
        [3, 'site:4'],
      ],
    );
    assert.deepEqual(
      rows.map((row) => row.previous),
      [GENESIS, rows[0]?.hash, rows[1]?.hash],
    );
    assert.equal((await rowsOf(`${organization}-b`))[0]?.sequence, 1);
    assert.equal((await check()).finding, undefined);
  });

  it('gives back what was written, in canonical form', async () => {
    await append([event(organization, 7)]);
    const [row] = await rowsOf();
    assert.equal(row?.at, '2026-05-01T12:00:00.123Z');
    assert.equal(row?.details, '{"nested":{"a":"ü","b":1},"serial":"07"}');
  });

  it('returns the new heads, which are what checkpoint() says', async () => {
    const [head] = await append(events(organization, 3));
    assert.equal(head?.sequence, 3);
    assert.equal(head?.hash, (await rowsOf())[2]?.hash);
    assert.deepEqual(await getDatabase().run('platform', (tx) => auditLog.checkpoint(tx, organization)), head);
  });

  it('has no checkpoint for a chain that does not exist, and nothing against it', async () => {
    assert.equal(await getDatabase().run('platform', (tx) => auditLog.checkpoint(tx, organization)), undefined);
    assert.deepEqual(await check(), { organization, head: undefined, finding: undefined, rows: 0 });
  });

  it('keeps the entry only with the transaction that it is about', async () => {
    await append([event(organization)]);
    const failing = getDatabase().run('platform', async (tx) => {
      await auditLog.append(tx, [event(organization)]);
      throw new Error('on purpose');
    });
    await assert.rejects(failing, /on purpose/);
    await append([event(organization)]);
    assert.deepEqual(
      (await rowsOf()).map((row) => row.sequence),
      [1, 2],
    );
    assert.equal((await check()).finding, undefined);
  });

  it('lets an organization write and read its own chain and no other', async () => {
    await getDatabase().run({ organization }, (tx) => auditLog.append(tx, [event(organization)]));
    const foreign = getDatabase().run({ organization }, (tx) => auditLog.append(tx, [event('another')]));
    await assert.rejects(foreign, /row-level security/);
    const seen = await getDatabase().run({ organization: 'another' }, (tx) =>
      auditLog.page(tx, organization, undefined, 10),
    );
    assert.deepEqual(seen, { head: undefined, rows: [] });
  });

  for (const [verb, query] of [
    ['update', `update audit_log set actor = 'x'`],
    ['delete', 'delete from audit_log'],
    ['truncate', 'truncate audit_log'],
    ['delete of heads', 'delete from audit_heads'],
    ['truncate of heads', 'truncate audit_heads'],
  ] as const) {
    it(`refuses ${verb} to the application, the platform and the owner alike`, async () => {
      await append([event(organization)]);
      for (const scope of [{ organization }, 'platform'] as const) {
        await assert.rejects(
          getDatabase().run(scope, (tx) => sql(tx).query(query)),
          /permission denied/,
        );
      }
      await assert.rejects(asSuperuser(query), /append-only/);
    });
  }

  const unusable: readonly (readonly [string, Partial<AuditEvent>])[] = [
    ['an empty actor', { actor: '' }],
    ['an action with a line feed', { action: 'a\nb' }],
    ['a subject of 256 characters', { subject: 's'.repeat(256) }],
    ['an instant that is none', { at: new Date(Number.NaN) }],
    ['an instant after the year 9999', { at: new Date('+010000-01-01T00:00:00Z') }],
    ['details that JSON cannot carry', { details: { at: new Date(0) } }],
    ['details above 16 KiB', { details: { text: 'x'.repeat(16_384) } }],
  ];
  for (const [what, change] of unusable) {
    it(`refuses ${what}, and with it the whole batch`, async () => {
      const batch = append([event(organization), { ...event(organization), ...change }]);
      await assert.rejects(batch, (error) => error instanceof LicetError && error.code === 'AUDIT_ENTRY_INVALID');
      assert.deepEqual(await rowsOf(), []);
    });
  }

  it('checks every chain, page by page, the platform’s too', async () => {
    await append([...events(organization, 1_200), event(PLATFORM_CHAIN)]);
    const reports = await Array.fromAsync(checkAudit(getDatabase(), auditLog));
    assert.ok(reports.every((report) => report.finding === undefined));
    const names = reports.map((report) => report.organization);
    assert.deepEqual(
      names,
      [...new Set(names)].sort((a, b) => (a < b ? -1 : 1)),
    );
    assert.ok(names.includes(PLATFORM_CHAIN));
    assert.equal(reports.find((report) => report.organization === organization)?.rows, 1_200);
    assert.equal((await check({ from: 1_101 })).rows, 100);
  });

  it('exports chains that can be checked without the database', async () => {
    await append(events(organization, 5));
    const lines = await Array.fromAsync(exportAudit(getDatabase(), auditLog, organization));
    assert.equal(lines.length, 6);
    assert.deepEqual(await Array.fromAsync(verifyExport(lines)), [await check()]);
    assert.equal((await check()).rows, 5);
  });

  // The last but those of PostgreSQL: it takes away what guards the tables.
  it('names the first bad row after any edit by a superuser', async function () {
    this.timeout(15_000);
    await dropGuards(getDatabase());
    const trials = DAMAGES.length * (host === 'embedded' ? 4 : 10);
    assert.deepEqual(await tamper(getDatabase(), trials, seededRandom(host)), []);
  });

  if (host === 'embedded') return;

  it('stays gap-free when 64 append to one chain at once', async () => {
    await Promise.all(Array.from({ length: 64 }, (_, n) => append([event(organization, n), event(organization, n)])));
    assert.deepEqual(await check().then(({ rows, finding }) => ({ rows, finding })), { rows: 128, finding: undefined });
  });

  it('never deadlocks when batches over the same chains come in any order', async () => {
    // More than there are connections; many more would test how long one may wait for a connection.
    const AT_ONCE = 12;
    const random = seededRandom('batches');
    const chains = ['a', 'b', 'c', 'd', 'e'].map((name) => `${organization}-${name}`);
    const batch = (): AuditEvent[] => Array.from(random.bytes(6), (byte) => event(chains[byte % chains.length]!, byte));
    await Promise.all(Array.from({ length: AT_ONCE }, () => append(batch())));
    const reports = await Promise.all(chains.map((chain) => rowsOf(chain)));
    assert.equal(reports.flat().length, AT_ONCE * 6);
  });

  it('lets different organizations append at the same time', async () => {
    await append([event(organization), event(`${organization}-b`)]);
    await getDatabase().run('platform', async (tx) => {
      await auditLog.append(tx, [event(organization)]);
      // Would wait for this transaction, and so for ever, if the chains shared a lock.
      await append([event(`${organization}-b`)]);
    });
    assert.equal((await rowsOf(`${organization}-b`)).length, 2);
  });

  it('is checked while others append, and nothing is found that is not there', async () => {
    await append(events(organization, 600));
    const over = new AbortController();
    const writers = Array.from({ length: 4 }, async () => {
      while (!over.signal.aborted) await append([event(organization)]);
    });
    for (let i = 0; i < 5; i += 1) assert.equal((await check()).finding, undefined);
    over.abort();
    await Promise.all(writers);
  });

  it('makes the same rows as the pure chain does', async () => {
    const [head] = await append(events(organization, 3));
    const rows = await rowsOf();
    const again = extendChain({ organization, sequence: 0, hash: GENESIS }, rows);
    assert.deepEqual(again, rows);
    assert.equal(again.at(-1)?.hash, head?.hash);
  });
});
