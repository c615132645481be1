import assert from 'node:assert/strict';
import { certificateStoreContract, makeIntent } from '@licet/authority/contracts';
import { auditLog } from '../audit-log.ts';
import { createCertificateStore } from '../authority/certificate-store.ts';
import { makeCertificatePartitions } from '../authority/partitions.ts';
import { outbox } from '../outbox.ts';
import { sql } from '../transactions.ts';
import { onBothHosts, type TestDatabase } from './test-database.ts';

const AT = new Date('2026-11-21T12:00:00Z');
const TABLES = 'issue_intents, issue_requests, public_keys, certificates, serials, outbox_deliveries, outbox_events';

onBothHosts('The certificate store', (getDatabase) => {
  const storeOf = (database: TestDatabase) => createCertificateStore({ transactions: database, auditLog, outbox });

  before(() => getDatabase().run('platform', (tx) => makeCertificatePartitions(tx, AT)));

  describe('keeps the contract of the port:', () => {
    certificateStoreContract(async () => {
      const database = getDatabase();
      await emptied(database);
      return storeOf(database);
    });
  });

  it('writes audit entry and event with each certificate, and none for a repetition', async () => {
    const database = getDatabase();
    await emptied(database);
    await database.run('platform', (tx) => outbox.subscribe(tx, 'test'));
    const store = storeOf(database);
    const [one, two] = [makeIntent(AT), { ...makeIntent(AT), organization: 'other' }];
    await store.reserve([one, two]);
    const issued = [one, two].map((intent) => ({ intent, certificate: intent.tbs, at: AT }));
    const before = await auditRows(database);
    await store.commit(issued);
    await store.commit(issued);
    assert.equal((await auditRows(database)) - before, 2);
    const claims = await database.run('platform', (tx) => outbox.claim(tx, 'test', 10, 60));
    assert.deepEqual(
      claims.map(({ event }) => `${event.organization} ${event.type}`),
      // Both are of one stream, and a stream is delivered one by one.
      ['acme certificate.issued'],
    );
  });

  it("writes the domain's rows in the same transaction, or nothing at all", async () => {
    const database = getDatabase();
    const intent = makeIntent(AT);
    const failing = createCertificateStore({
      transactions: database,
      auditLog,
      outbox,
      domain: {
        taken: () => Promise.resolve(new Map()),
        committed: () => Promise.reject(new Error('the domain refuses')),
      },
    });
    await failing.reserve([intent]);
    await assert.rejects(failing.commit([{ intent, certificate: intent.tbs, at: AT }]), /the domain refuses/);
    assert.equal(await failing.findByRequest(intent.request, AT), undefined);
    assert.deepEqual(
      (await failing.intentsWithoutCertificate(new Date(AT.getTime() + 1), 10)).map(({ serial }) => serial),
      [intent.serial],
    );
  });

  it('makes partitions ahead once', async () => {
    assert.equal(await getDatabase().run('platform', (tx) => makeCertificatePartitions(tx, AT)), 0);
  });
});

/** As the owner of the tables: the application's roles may not remove any of this. */
async function emptied(database: TestDatabase): Promise<void> {
  await database.dataSource.query(`truncate ${TABLES} cascade`);
}

async function auditRows(database: TestDatabase): Promise<number> {
  const rows = await database.run('platform', (tx) =>
    sql(tx).query<{ count: number }>('select count(*)::integer as count from audit_log'),
  );
  return rows[0]?.count ?? 0;
}
