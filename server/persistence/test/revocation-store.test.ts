import assert from 'node:assert/strict';
import { setTimeout as pause } from 'node:timers/promises';
import { makeIntent } from '@licet/authority/contracts';
import { revocationStoreContract } from '@licet/authority/revocation-contract';
import { auditLog } from '../audit-log.ts';
import { createCertificateRecords } from '../authority/certificate-records.ts';
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

  it('lists a serial that the journal alone knew of for the grace of its claims', async () => {
    const database = getDatabase();
    const id = { issuer: 'journal', serial: Uint8Array.of(1) };
    const records = createCertificateRecords({ auditLog, outbox });
    const order = { ...id, organization: 'acme', crlShard: 0, notAfter: AT, grace: 60 };
    assert.equal(await database.run('platform', (tx) => records.takeSerials(tx, [order])), 1);
    const [known] = await storeOf(database, 'one').find([id]);
    assert.deepEqual(known?.graceUntil, new Date(AT.getTime() + 60_000));
  });

  it('lists what was reserved before anybody noted its grace for a year and a day after its end', async () => {
    const database = getDatabase();
    const id = { issuer: 'earlier', serial: Uint8Array.of(1) };
    await database.run('platform', (tx) =>
      sql(tx).query(
        `insert into serials (issuer, serial, organization, crl_shard, not_after, kept_until)
         values ($1, $2, 'acme', 0, $3, $3)`,
        [id.issuer, Buffer.from(id.serial), AT],
      ),
    );
    const event = { type: 'revoke', reason: 'superseded' } as const;
    const store = storeOf(database, 'one');
    await store.change({ organization: 'acme', event, principal: 'user:7', context: {} }, [id], AT);
    const bytesAfter = async (days: number) => {
      const from = new Date(AT.getTime() + days * 86_400_000);
      return (await store.entries({ issuer: id.issuer, shard: 0 }, from, undefined, 10)).packed.length > 0;
    };
    assert.deepEqual([await bytesAfter(366), await bytesAfter(366.1)], [true, false]);
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
