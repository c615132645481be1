import assert from 'node:assert/strict';
import { ENDPOINTS } from '../../http/api/index.ts';
import type { Endpoint } from '../../http/api/endpoint.ts';
import { ACTIONS, type Reach } from '../../licensing/access/actions.ts';
import { type Role, ROLES } from '../../licensing/model/principal.ts';
import { client, type Client } from './client.ts';
import { openShop, type Shop } from './shop.ts';
import { openWorld, type World } from './world.ts';

/** `site` is a license and no token: its reach is tested where licenses are shown. */
const TOKEN_ROLES = ROLES.filter((role) => role !== 'site');

/** The kinds of ids that paths end in; a new kind of path has to be entered here before it passes. */
const THINGS: Readonly<Record<string, keyof Shop>> = {
  '/api/v1/sites/:id': 'site',
  '/api/v1/enterprises/:id': 'enterprise',
  '/api/v1/contracts/:id': 'contract',
  '/api/v1/products/:id': 'product',
  '/api/v1/plans/:id': 'plan',
  '/api/v1/tokens/:id': 'token',
  '/api/v1/alerts/:id': 'alert',
  '/api/v1/people/:id': 'person',
  '/api/v1/approvals/:id': 'approval',
};

/** These belong to the organization as a whole: who reaches one enterprise only has no business there. */
const OF_ORGANIZATION: ReadonlySet<keyof Shop> = new Set(['product', 'plan', 'token', 'person', 'approval']);

const MISSING = '00000000-0000-7000-8000-000000000000';

const thingOf = ({ path }: Endpoint): keyof Shop | undefined => {
  const prefix = Object.keys(THINGS).find((known) => path === known || path.startsWith(`${known}/`));
  return prefix === undefined ? undefined : THINGS[prefix];
};

const reachOf = ({ action }: Endpoint, role: Role): Reach =>
  action === 'anyone' ? 'all' : (ACTIONS[action].may[ROLES.indexOf(role)] ?? 'none');

describe('Every route × role × own, foreign and missing id', () => {
  let world: World;
  let own: Shop;
  let neighbour: Shop;
  let foreign: Shop & { readonly before: object };
  const clients = new Map<Role, Client>();

  before(async function () {
    this.timeout(60_000);
    world = await openWorld(this);
    const acme = client(world.url, world.owners.acme);
    own = await openShop(acme, 'own');
    neighbour = await openShop(acme, 'neighbour');
    foreign = await openShop(client(world.url, world.owners.initech), 'foreign');
    for (const role of TOKEN_ROLES) {
      const enterprise = role === 'enterprise-admin' ? { enterprise: own.enterprise } : {};
      const token = await world.token(world.owners.acme, 'acme', { name: role, roles: [role], ...enterprise });
      clients.set(role, client(world.url, token));
    }
  });
  after(() => world?.close());

  it('has an entry for each route that takes an id', () => {
    const without = ENDPOINTS.filter((it) => it.path.includes('/:') && thingOf(it) === undefined);
    assert.deepEqual(
      without.map(({ path }) => path),
      [],
    );
  });

  it('asks nobody in without a token', async () => {
    const nobody = client(world.url, '');
    for (const it of ENDPOINTS.filter(({ action }) => action !== 'anyone')) {
      const { status } = await nobody.call(it.method, it.path.replace(/:\w+/, MISSING), bodyFor(it));
      assert.equal(status, 401, `${it.method} ${it.path}`);
    }
  });

  for (const role of TOKEN_ROLES) {
    it(`${role}: 403 where the table says none, and one and the same 404 for foreign and missing`, async () => {
      for (const endpoint of ENDPOINTS) {
        const thing = thingOf(endpoint);
        const ids = thing === undefined ? [MISSING] : [foreign[thing], MISSING];
        if (role === 'enterprise-admin' && thing !== undefined) ids.push(neighbour[thing]);
        const answers = [];
        for (const id of ids) {
          const path = endpoint.path.replace(/:\w+/, id);
          const { status, body } = await clients.get(role)!.call(endpoint.method, path, bodyFor(endpoint), IF_MATCH);
          answers.push({
            id,
            status,
            code: (body as { code?: string } | undefined)?.code,
            detail: (body as { detail?: string })?.detail,
          });
        }
        const where = `${role} ${endpoint.method} ${endpoint.path}: ${JSON.stringify(answers)}`;
        if (reachOf(endpoint, role) === 'none') {
          assert.ok(
            answers.every(({ status, code }) => status === 403 && code === 'NOT_ALLOWED'),
            where,
          );
        } else if (thing !== undefined) {
          const isOut = role === 'enterprise-admin' && OF_ORGANIZATION.has(thing);
          const [first] = answers;
          if (!isOut) assert.equal(first?.status, 404, where);
          // Word for word: nobody learns which of the two it is.
          if (!isOut) for (const other of answers) assert.deepEqual({ ...other, id: '' }, { ...first, id: '' }, where);
        }
      }
    });
  }

  it('reads what is its own, and lists nothing else', async () => {
    for (const role of TOKEN_ROLES) {
      for (const endpoint of ENDPOINTS.filter(({ method }) => method === 'GET')) {
        const thing = thingOf(endpoint);
        const reach = reachOf(endpoint, role);
        if (reach === 'none' || (role === 'enterprise-admin' && thing !== undefined && OF_ORGANIZATION.has(thing)))
          continue;
        const { status, body } = await clients
          .get(role)!
          .call('GET', queried(endpoint.path.replace(/:\w+/, own[thing ?? 'site'])));
        assert.equal(status, 200, `${role} ${endpoint.path}`);
        const text = JSON.stringify(body);
        for (const id of foreignIds(foreign)) assert.ok(!text.includes(id), `${role} ${endpoint.path} shows ${id}`);
        if (role !== 'enterprise-admin') continue;
        for (const id of [neighbour.enterprise, neighbour.site, neighbour.contract]) {
          assert.ok(!text.includes(id), `${role} ${endpoint.path} shows ${id}`);
        }
      }
    }
  });

  it('has left everything of others as it was', async () => {
    const api = client(world.url, world.owners.initech);
    const { body } = await api.ok('GET', `/api/v1/sites/${foreign.site}`);
    assert.deepEqual({ ...(body as object), updatedAt: '' }, { ...foreign.before, updatedAt: '' });
  });
});

const foreignIds = (shop: Shop & { readonly before: object }): string[] =>
  [...new Set(Object.values(THINGS))].map((thing) => shop[thing]);

/** What a call of its own shape needs in its query. */
const queried = (path: string): string => (path.endsWith('/stats/aggregate') ? `${path}?quarter=2026-Q4` : path);

const IF_MATCH = { 'If-Match': '*' };

/** Good in form, so that what refuses it is the right or the id. */
function bodyFor({ body, example, operation }: Endpoint): unknown {
  if (body === undefined) return undefined;
  if (operation === 'updateSite') return { labels: { touched: 'yes' } };
  return example.body;
}
