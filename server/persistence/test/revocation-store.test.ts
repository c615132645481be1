import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { makeIntent } from '@licet/authority/contracts';
import { revocationStoreContract } from '@licet/authority/revocation-contract';
import { auditLog } from '../audit-log.ts';
import { createCertificateStore } from '../authority/certificate-store.ts';
import { createRevocationStore } from '../authority/revocation-store.ts';
import { leases } from '../leases.ts';
import { outbox } from '../outbox.ts';
import { sql } from '../transactions.ts';
import { onBothHosts, type TestDatabase } from './test-database.ts';

const TABLES = `revocations, revocation_orders, published_crls, published_crl_parts, issue_intents, issue_requests,
  public_keys, certificates, serials, outbox_deliveries, outbox_events, leases`;
const AT = new Date('2026-11-21T12:00:00Z');

onBothHosts('The revocation store', (getDatabase) => {
  const depsOf = (transactions: TestDatabase, holder: string) => ({ transactions, auditLog, outbox, leases, holder });
  const storeOf = (database: TestDatabase, holder: string) => createRevocationStore(depsOf(database, holder));
  const certificates = () => createCertificateStore({ transactions: getDatabase(), auditLog, outbox });

  describe('keeps the contract of the port:', () => {
    revocationStoreContract(async () => {
      const database = getDatabase();
      // As the owner of the tables: the application's roles may not remove any of this.
      await database.dataSource.query(`truncate ${TABLES}`);
      return {
        one: storeOf(database, 'one'),
        other: storeOf(database, 'other'),
        reserve: async (intents) => void (await certificates().reserve(intents)),
      };
    });
  });

  it('keeps its hold for as long as the work takes, and no longer than said when the process is gone', async () => {
    const database = getDatabase();
    const shard = { issuer: 'slow', shard: 0 };
    const short = (holder: string) => createRevocationStore({ ...depsOf(database, holder), holdSeconds: 0.6 });
    const tried = () => short('other').exclusively(shard, async () => 'taken');
    const during = await short('one').exclusively(shard, async () => {
      await pause(1500);
      return tried();
    });
    assert.equal(during, undefined);
    // What a process leaves behind that dies in the middle of it.
    await database.run('platform', (tx) => leases.acquire(tx, 'crl:slow/0', 'dead', 0.6));
    assert.equal(await tried(), undefined);
    await pause(700);
    assert.equal(await tried(), 'taken');
  });

  it('writes audit entry and event with each change, and none for what changes nothing', async () => {
    const database = getDatabase();
    const intent = makeIntent(AT);
    await certificates().reserve([intent]);
    await database.run('platform', (tx) => outbox.subscribe(tx, 'test'));
    const event = { type: 'revoke', reason: 'superseded' } as const;
    const order = { organization: 'acme', event, principal: 'user:7', context: { ticket: '4711' } };
    const rows = () =>
      database.run('platform', (tx) =>
        sql(tx).query<{ actor: string; action: string }>(
          `select actor, action from audit_log where action like 'certificate.revoked' order by sequence`,
        ),
      );
    const before = (await rows()).length;
    await storeOf(database, 'one').change(order, [intent], AT);
    await storeOf(database, 'one').change(order, [intent], AT);
    assert.deepEqual((await rows()).slice(before), [{ actor: 'user:7', action: 'certificate.revoked' }]);
    const claims = await database.run('platform', (tx) => outbox.claim(tx, 'test', 10, 60));
    assert.deepEqual(
      claims.map(({ event: { type, payload } }) => [type, payload['reason'], payload['ticket']]),
      [['certificate.revoked', 'superseded', '4711']],
    );
  });
});
