import assert from 'node:assert/strict';
import { withMigrator } from './migrator.ts';

const AUTHORITIES = '9999-12-31 00:00:00Z';

describe('CAs that an earlier version has reconciled', function () {
  this.timeout(30_000);
  const getMigrator = withMigrator();

  it('have keys that wait for their owner, and belong to their contracts; others stay as they are', async () => {
    const { administrator, migrateTo } = getMigrator();
    await migrateTo('0022-reconciled-authorities');
    const known = async (number: number, owner: string, keptUntil: string, principal: string, grant: string) => {
      const id = Buffer.of(number);
      await administrator.query(`insert into public_keys (hash, organization, owner) values ($1, 'acme', $2)`, [
        id,
        owner,
      ]);
      await administrator.query(
        `insert into certificates (issuer, serial, kept_until, organization, profile, certificate, not_before, not_after,
                                   context, issued_at)
         values ('key', $1, $2, 'acme', $3, '', now(), now(), $4, now())`,
        [id, keptUntil, keptUntil === AUTHORITIES ? 'enterprise' : 'site', JSON.stringify({ principal, grant })],
      );
    };
    await administrator.query('create table certificates_now partition of certificates default');
    await known(1, 'lineage contract-1', AUTHORITIES, 'reconcile', 'contract-1');
    await known(2, 'lineage site-2', '2027-01-01', 'reconcile', 'site-2');
    await known(3, 'authority 3', AUTHORITIES, 'system:authority', 'contract-1');
    await known(4, 'authority 4', AUTHORITIES, 'reconcile', 'contract-4');
    await migrateTo();
    const { rows } = await administrator.query<{ owner: string }>('select owner from public_keys order by hash');
    assert.deepEqual(
      rows.map(({ owner }) => owner),
      ['reconciled 01', 'lineage site-2', 'authority 3', 'authority 4'],
    );
    const contracts = await administrator.query<{ contract: string | null }>(
      `select context ->> 'contract' as contract from certificates order by serial`,
    );
    assert.deepEqual(
      contracts.rows.map(({ contract }) => contract),
      ['contract-1', null, null, 'contract-4'],
    );
    const guarded = await administrator.query(
      `select from pg_class
        where oid in ('public_keys'::regclass, 'certificates'::regclass) and relrowsecurity and relforcerowsecurity`,
    );
    assert.equal(guarded.rowCount, 2);
  });
});
