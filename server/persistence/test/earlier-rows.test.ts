import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Client } from 'pg';
import { type Migrator, withMigrator } from './migrator.ts';

describe('rows from before a migration, by what the audit log says of them,', function () {
  this.timeout(30_000);
  const getMigrator = withMigrator();
  let administrator: Client;
  let migrateTo: Migrator['migrateTo'];
  before(() => ({ administrator, migrateTo } = getMigrator()));
  let sequence = 0;
  const noted = (actor: string, action: string, subject: string) =>
    administrator.query(
      `insert into audit_log (organization, sequence, at, actor, action, subject, details, previous, hash)
       values ('acme', $1, now(), $2, $3, $4, '{}', $5, $5)`,
      [(sequence += 1), actor, action, subject, Buffer.alloc(32)],
    );
  const siteMadeBy = async (actor: string, action = 'site.created', rule: string | null = null): Promise<string> => {
    const id = randomUUID();
    const values = [id, randomUUID(), `site-${sequence}`, rule];
    await administrator.query(
      `insert into sites (id, organization, created_at, updated_at, version, enterprise, contract, name, mode, status,
                          lineage, shares, fingerprints, labels, trust_rule)
       values ($1, 'acme', now(), now(), 1, $2, $2, $3, 'production', 'active', $2, '{}', '[]', '{}', $4)`,
      values,
    );
    await noted(actor, action, `site:${id}`);
    return id;
  };

  const tokenMadeBy = async (actor: string): Promise<string> => {
    const id = randomUUID();
    await administrator.query(
      `insert into api_tokens (id, organization, created_at, updated_at, version, name, prefix, hash, roles, made_by, expires_at)
       values ($1::uuid, 'acme', now(), now(), 1, 'one', 'licet', $1::text, '["owner"]', 'person:one', now())`,
      [id],
    );
    await noted(actor, 'token.created', `token:${id}`);
    return id;
  };

  it('are given what they did not know: sites of builds their trust rule, API tokens who made them', async () => {
    await migrateTo('0018-earlier-workload-sites');
    // What they hang on is not what is tried.
    await administrator.query('set session_replication_role = replica');
    const first = await tokenMadeBy('system:bootstrap');
    const second = await tokenMadeBy(`token:${first}`);
    const ofPerson = await tokenMadeBy(`person:${first}`);
    const [rule, later] = [randomUUID(), randomUUID()];
    const builds = await siteMadeBy(`identity:${rule}:0123456789abcdef`);
    const known = await siteMadeBy(`identity:${rule}:0123456789abcdef`, 'site.created', later);
    const others = [
      await siteMadeBy(`user:${randomUUID()}`),
      await siteMadeBy(`token:identity:${rule}:0123456789abcdef`),
      await siteMadeBy(`identity:${rule}:0123456789abcdef`, 'license.issued'),
      await siteMadeBy('identity:none'),
    ];
    await administrator.query('set session_replication_role = origin');
    await migrateTo();
    const { rows } = await administrator.query<{ id: string; trust_rule: string | null }>(
      'select id, trust_rule from sites',
    );
    const ruleOf = new Map(rows.map(({ id, trust_rule }) => [id, trust_rule]));
    assert.equal(ruleOf.get(builds), rule);
    assert.equal(ruleOf.get(known), later);
    for (const id of others) assert.equal(ruleOf.get(id), null);
    const tokens = await administrator.query<{ id: string; parent: string | null }>(
      'select id, parent from api_tokens',
    );
    const parentOf = new Map(tokens.rows.map(({ id, parent }) => [id, parent]));
    assert.deepEqual(
      [first, second, ofPerson].map((id) => parentOf.get(id)),
      [null, first, null],
    );
    const guarded = await administrator.query(
      `select from pg_class where oid in ('sites'::regclass, 'api_tokens'::regclass, 'audit_log'::regclass)
                           and relrowsecurity and relforcerowsecurity`,
    );
    assert.equal(guarded.rowCount, 3);
  });
});
