import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { withMigrator } from './migrator.ts';

describe('sites that were made with a request, from before they knew their key', function () {
  this.timeout(30_000);
  const getMigrator = withMigrator();

  it('know that of their first license', async () => {
    const { administrator, migrateTo } = getMigrator();
    await migrateTo('0025-site-keys');
    // What they hang on is not what is tried.
    await administrator.query('set session_replication_role = replica');
    const made = async (name: string, request: Buffer | null): Promise<string> => {
      const [id, lineage] = [randomUUID(), randomUUID()];
      await administrator.query(
        `insert into sites (id, organization, created_at, updated_at, version, enterprise, contract, name, mode, status,
                            lineage, shares, fingerprints, labels, request)
         values ($1, 'acme', now(), now(), 1, $2, $2, $3, 'production', 'active', $2, '{}', '[]', '{}', $4)`,
        [id, lineage, name, request],
      );
      const licenses = [
        ['01', null, Buffer.from('first')],
        ['02', '01', Buffer.from('next')],
      ] as const;
      for (const [serial, predecessor, key] of licenses) {
        await administrator.query(
          `insert into licenses (organization, serial, issuer_key, enterprise, contract, site, lineage, sequence, mode,
                                 predecessor, public_key, not_before, not_after, status)
           values ('acme', $1, 'key', $2, $2, $3, $2, $4, 'production', $5, $6, now(), now(), 'current')`,
          [`${serial}${name}`, lineage, id, Number(serial), predecessor && `${predecessor}${name}`, key],
        );
      }
      return id;
    };
    const asked = await made('asked', Buffer.from('request'));
    const enrolled = await made('enrolled', null);
    await administrator.query('set session_replication_role = origin');
    await migrateTo();
    const { rows } = await administrator.query<{ id: string; key: Buffer | null }>('select id, key from sites');
    const keyOf = new Map(rows.map(({ id, key }) => [id, key?.toString()]));
    assert.deepEqual([keyOf.get(asked), keyOf.get(enrolled)], ['first', undefined]);
    const guarded = await administrator.query(
      `select from pg_class where oid in ('sites'::regclass, 'licenses'::regclass) and relrowsecurity and relforcerowsecurity`,
    );
    assert.equal(guarded.rowCount, 2);
  });
});
