import assert from 'node:assert/strict';
import { withMigrator } from './migrator.ts';

const AUTHORITIES = '9999-12-31 00:00:00Z';

describe('the keys of CAs that reconcile took for those of lineages', function () {
  this.timeout(30_000);
  const getMigrator = withMigrator();

  it('wait for their owner, and those of licenses and of CAs with one stay theirs', async () => {
    const { administrator, migrateTo } = getMigrator();
    await migrateTo('0022-owners-of-keys');
    const known = async (number: number, owner: string, keptUntil: string, principal: string, grant: string) => {
      const id = Buffer.of(number);
      await administrator.query(`insert into public_keys (hash, organization, owner) values ($1, 'acme', $2)`, [
        id,
        owner,
      ]);
      await administrator.query(
        `insert into certificates (issuer, serial, kept_until, organization, profile, certificate, not_before, not_after,
                                   context, issued_at)
         values ('key', $1, $2, 'acme', 'any', '', now(), now(), $3, now())`,
        [id, keptUntil, JSON.stringify({ principal, grant })],
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
    const guarded = await administrator.query(
      `select from pg_class
        where oid in ('public_keys'::regclass, 'certificates'::regclass) and relrowsecurity and relforcerowsecurity`,
    );
    assert.equal(guarded.rowCount, 2);
  });
});
