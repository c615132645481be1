import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { Enterprise } from '../../licensing/model/enterprise.ts';
import { isId, newId } from '../../licensing/model/id.ts';
import type { Organization } from '../../licensing/model/organization.ts';
import type { Scope } from '../../licensing/ports/transactions.ts';
import { collections } from '../licensing/collections.ts';
import { sql } from '../transactions.ts';
import { onBothHosts } from './test-database.ts';

const AT = new Date('2026-11-21T08:00:00.123Z');
const { enterprises, organizations } = collections;

let ticks = 0;
const nextId = (): string =>
  newId({ now: () => new Date(AT.getTime() + ++ticks) }, { bytes: (length) => randomBytes(length) });

function organization(slug: string): Organization {
  const id = nextId();
  const settings = { secondPerson: false, onFork: 'alarm' } as const;
  return {
    id,
    organization: slug,
    createdAt: AT,
    updatedAt: AT,
    version: 1,
    slug,
    name: slug,
    status: 'active',
    settings,
  };
}

function enterprise(of: Organization, slug: string): Enterprise {
  const common = { id: nextId(), organization: of.slug, createdAt: AT, updatedAt: AT, version: 1 };
  return { ...common, slug, name: `${slug} Ltd`, status: 'active', held: false, labels: { region: 'north' } };
}

const hasCode = (code: string) => (error: unknown) => (error as { code?: string }).code === code;

describe('Identifiers, RFC 9562 §5.7', () => {
  it('sort by creation and carry version and variant', () => {
    const ids = Array.from({ length: 50 }, nextId);
    assert.deepEqual(ids.toSorted(), ids);
    for (const id of ids) assert.match(id, /^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
  });

  it('are told from other text', () => {
    assert.equal(isId(nextId()), true);
    for (const text of ['', 'x', nextId().toUpperCase(), `${nextId()} `, "'; drop table sites; --"]) {
      assert.equal(isId(text), false);
    }
  });
});

onBothHosts('Collections', (getDatabase) => {
  const acme = organization('acme');
  const other = organization('other');
  const inAcme: Scope = { organization: acme.slug };

  before(async () => {
    for (const tenant of [acme, other]) {
      await getDatabase().run({ organization: tenant.slug }, (tx) => organizations.insert(tx, tenant));
    }
  });

  it('give back what was put in, with the same types', async () => {
    const stored = enterprise(acme, 'round-trip');
    await getDatabase().run(inAcme, (tx) => enterprises.insert(tx, stored));
    assert.deepEqual(await getDatabase().run(inAcme, (tx) => enterprises.get(tx, stored.id)), { ...stored });
  });

  it('find nothing under an id that is none', async () => {
    assert.equal(await getDatabase().run(inAcme, (tx) => enterprises.get(tx, 'no-id')), undefined);
    assert.equal(await getDatabase().run(inAcme, (tx) => enterprises.lock(tx, "' or true")), undefined);
  });

  it('refuse a taken name with a code of its own', async () => {
    await getDatabase().run(inAcme, (tx) => enterprises.insert(tx, enterprise(acme, 'taken')));
    const again = getDatabase().run(inAcme, (tx) => enterprises.insert(tx, enterprise(acme, 'taken')));
    await assert.rejects(again, hasCode('ENTERPRISE_EXISTS'));
  });

  it('let two organizations use the same name', async () => {
    await getDatabase().run(inAcme, (tx) => enterprises.insert(tx, enterprise(acme, 'shared')));
    await getDatabase().run({ organization: other.slug }, (tx) => enterprises.insert(tx, enterprise(other, 'shared')));
  });

  it('replace only the version that was seen', async () => {
    const first = enterprise(acme, 'versions');
    const second = { ...first, version: 2, status: 'suspended' as const };
    await getDatabase().run(inAcme, (tx) => enterprises.insert(tx, first));
    await getDatabase().run(inAcme, (tx) => enterprises.replace(tx, second));
    const stale = getDatabase().run(inAcme, (tx) => enterprises.replace(tx, { ...first, version: 2 }));
    await assert.rejects(stale, hasCode('VERSION_STALE'));
    assert.deepEqual(await getDatabase().run(inAcme, (tx) => enterprises.get(tx, first.id)), second);
  });

  it("never show, change or count another organization's rows", async () => {
    const theirs = enterprise(other, 'secret');
    await getDatabase().run({ organization: other.slug }, (tx) => enterprises.insert(tx, theirs));
    await getDatabase().run(inAcme, async (tx) => {
      assert.equal(await enterprises.get(tx, theirs.id), undefined);
      assert.equal(await enterprises.lock(tx, theirs.id), undefined);
      assert.equal(await enterprises.count(tx, { slug: 'secret' }), 0);
      assert.deepEqual(await sql(tx).query('select 1 from enterprises where slug = $1', ['secret']), []);
      await assert.rejects(enterprises.replace(tx, { ...theirs, version: 2 }), hasCode('VERSION_STALE'));
    });
  });

  it('refuse a row that names another organization, whatever the code says', async () => {
    const smuggled = getDatabase().run(inAcme, (tx) => enterprises.insert(tx, enterprise(other, 'smuggled')));
    await assert.rejects(smuggled, /row-level security/);
  });

  it('page without skipping or repeating while rows are added', async () => {
    const all = Array.from({ length: 25 }, (_, index) => ({ ...enterprise(acme, `page-${index}`), name: 'paged' }));
    for (const item of all) await getDatabase().run(inAcme, (tx) => enterprises.insert(tx, item));
    const seen: string[] = [];
    for (let after: string | undefined, first = true; first || after !== undefined; first = false) {
      const query = { where: { name: 'paged' }, limit: 10, ...(after !== undefined && { after }) };
      const page = await getDatabase().run(inAcme, (tx) => enterprises.list(tx, query));
      seen.push(...page.items.map((item) => item.id));
      after = page.next;
    }
    assert.deepEqual(
      seen,
      all.map((item) => item.id),
    );
    const newest = await getDatabase().run(inAcme, (tx) =>
      enterprises.list(tx, { where: { name: 'paged' }, limit: 3, newestFirst: true }),
    );
    assert.deepEqual(
      newest.items.map((item) => item.id),
      all
        .slice(-3)
        .toReversed()
        .map((item) => item.id),
    );
  });

  it('refuse a cursor that is none', async () => {
    const listed = getDatabase().run(inAcme, (tx) => enterprises.list(tx, { after: 'x', limit: 1 }));
    await assert.rejects(listed, hasCode('CURSOR_INVALID'));
  });
});
