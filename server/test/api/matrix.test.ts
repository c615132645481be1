import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { makeCsr } from '@licet/authority/workshop';
import { encodePem } from '@licet/format';
import { ENDPOINTS } from '../../http/api/index.ts';
import { type Endpoint, isOpen } from '../../http/api/endpoint.ts';
import { ACTIONS, isOfOrganization, type Reach } from '../../licensing/access/actions.ts';
import { type Role, ROLES } from '../../licensing/model/principal.ts';
import { client, type Client, overTls } from './client.ts';
import { openShop, type Shop } from './shop.ts';
import { openWorld, type World } from './world.ts';

/** Whom one enterprise is all there is to. */
const OF_ONE_ENTERPRISE: readonly Role[] = ['enterprise-admin', 'site'];

/** The kinds of ids that paths end in; a new kind of path has to be entered here before it passes. */
const THINGS: Readonly<Record<string, keyof Shop>> = {
  '/api/v1/sites/:id': 'site',
  '/api/v1/licenses/:serial': 'license',
  '/api/v1/enterprises/:id': 'enterprise',
  '/api/v1/contracts/:id': 'contract',
  '/api/v1/products/:id': 'product',
  '/api/v1/plans/:id': 'plan',
  '/api/v1/tokens/:id': 'token',
  '/api/v1/enrolments/:id': 'enrolment',
  '/api/v1/alerts/:id': 'alert',
  '/api/v1/people/:id': 'person',
  '/api/v1/approvals/:id': 'approval',
  '/api/v1/providers/:id': 'provider',
  '/api/v1/trust-rules/:id': 'rule',
  '/api/v1/renewal-incidents/:id': 'incident',
  '/api/v1/webhooks/:id': 'webhook',
  '/api/v1/mail-recipients/:id': 'recipient',
};

/** These belong to the organization as a whole: who reaches one enterprise only has no business there. */
const OF_ORGANIZATION: ReadonlySet<keyof Shop> = new Set<keyof Shop>([
  'product',
  'plan',
  'token',
  'person',
  'approval',
  'provider',
  'rule',
  'incident',
  'webhook',
  'recipient',
  'alert', // about a license that nobody knows
]);

/** What no call of the API is: the protocols of enrolment (RFC 7030), and the description of the API itself. */
const OTHER_ROUTES = /^(?:\/:label(?:\{\/\})?)?\/\.well-known\/est(?:\/|\{)|^\/api\/(?:openapi\.json|docs)$/;

const MISSING = '00000000-0000-7000-8000-000000000000';
const MISSING_SERIAL = '00ff';

const thingOf = ({ path }: Endpoint): keyof Shop | undefined => {
  const prefix = Object.keys(THINGS).find((known) => path === known || path.startsWith(`${known}/`));
  return prefix === undefined ? undefined : THINGS[prefix];
};

const reachOf = ({ action }: Endpoint, role: Role): Reach =>
  isOpen(action) ? 'all' : (ACTIONS[action].may[ROLES.indexOf(role)] ?? 'none');

describe('Every route × role × own, foreign and missing id', () => {
  let world: World;
  let own: Shop;
  let neighbour: Shop;
  let foreign: Shop & { readonly before: object };
  /** The site that shows its license. */
  let showing: Pick<Shop, 'site' | 'license'>;
  const clients = new Map<Role, Client>();
  /** Who has every role, and one enterprise. */
  let limited: Client;

  before(async function () {
    this.timeout(60_000);
    world = await openWorld(this);
    const acme = client(world.url, world.owners.acme);
    own = await openShop(acme, 'own');
    neighbour = await openShop(acme, 'neighbour');
    foreign = await openShop(client(world.url, world.owners.initech), 'foreign');
    const licensed = await licensedSite(acme, own.contract);
    showing = licensed;
    clients.set('site', client(await world.secured(), undefined, overTls(licensed)));
    for (const role of ROLES.filter((one) => one !== 'site')) {
      const enterprise = role === 'enterprise-admin' ? { enterprise: own.enterprise } : {};
      const token = await world.token(world.owners.acme, 'acme', { name: role, roles: [role], ...enterprise });
      clients.set(role, client(world.url, token));
    }
    const everything = { name: 'limited', roles: ROLES.filter((one) => one !== 'site'), enterprise: own.enterprise };
    limited = client(world.url, await world.token(world.owners.acme, 'acme', everything));
  });
  after(() => world?.close());

  it('has an entry for each route that is served', () => {
    const known = new Set(ENDPOINTS.map(({ method, path }) => `${method} ${path}`));
    const without = world.routes.filter(({ method, path }) => !known.has(`${method} ${path}`));
    assert.deepEqual(
      without.map(({ path }) => path).filter((path) => !OTHER_ROUTES.test(path)),
      [],
    );
  });

  it('has an entry for each route that takes an id', () => {
    const without = ENDPOINTS.filter((it) => !isOpen(it.action) && it.path.includes('/:') && thingOf(it) === undefined);
    assert.deepEqual(
      without.map(({ path }) => path),
      [],
    );
  });

  it('asks nobody in without a token', async () => {
    const nobody = client(world.url, '');
    for (const it of ENDPOINTS.filter(({ action }) => !isOpen(action))) {
      const { status } = await nobody.call(it.method, it.path.replaceAll(/:\w+/g, MISSING), bodyFor(it));
      assert.equal(status, 401, `${it.method} ${it.path}`);
    }
  });

  for (const role of ROLES) {
    it(`${role}: 403 where the table says none, and one and the same 404 for foreign and missing`, async () => {
      for (const endpoint of ENDPOINTS) {
        const thing = thingOf(endpoint);
        const missing = thing === 'license' ? MISSING_SERIAL : MISSING;
        const ids = thing === undefined ? [missing] : [foreign[thing], missing];
        if (OF_ONE_ENTERPRISE.includes(role) && thing !== undefined) ids.push(neighbour[thing]);
        // A site sees itself, and not its sisters.
        if (role === 'site' && (thing === 'site' || thing === 'license')) ids.push(own[thing]);
        const answers = [];
        for (const id of ids) {
          const path = endpoint.path.replaceAll(/:\w+/g, id);
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
          const isOut = OF_ONE_ENTERPRISE.includes(role) && OF_ORGANIZATION.has(thing);
          const [first] = answers;
          if (!isOut) assert.equal(first?.status, 404, where);
          // Word for word: nobody learns which of the two it is.
          if (!isOut) for (const other of answers) assert.deepEqual({ ...other, id: '' }, { ...first, id: '' }, where);
        }
      }
    });
  }

  it('reads what is its own, and lists nothing else', async () => {
    for (const role of ROLES) {
      const isOfOne = OF_ONE_ENTERPRISE.includes(role);
      for (const endpoint of ENDPOINTS.filter(({ action, method }) => method === 'GET' && !isOpen(action))) {
        const thing = thingOf(endpoint);
        if (reachOf(endpoint, role) === 'none' || (isOfOne && thing !== undefined && OF_ORGANIZATION.has(thing)))
          continue;
        // A site sees what it reports itself, which the sums of its enterprise are not.
        if (role === 'site' && endpoint.operation === 'readStatistics') continue;
        const ids = role === 'site' ? { ...own, ...showing } : own;
        const id = ids[thing ?? 'site'];
        const { status, body } = await clients.get(role)!.call('GET', queried(endpoint.path.replaceAll(/:\w+/g, id)));
        assert.equal(status, 200, `${role} ${endpoint.path}`);
        const text = JSON.stringify(body);
        for (const other of foreignIds(foreign))
          assert.ok(!text.includes(other), `${role} ${endpoint.path} shows ${other}`);
        if (!isOfOne) continue;
        const others = [
          neighbour.enterprise,
          neighbour.site,
          neighbour.contract,
          ...(role === 'site' ? [own.site] : []),
        ];
        for (const other of others) assert.ok(!text.includes(other), `${role} ${endpoint.path} shows ${other}`);
      }
    }
  });

  it('shows who is limited to one enterprise nothing of another one, whatever the roles', async () => {
    const others = foreignIds(neighbour).filter((id) => id !== neighbour.product);
    for (const endpoint of ENDPOINTS.filter(({ action }) => !isOpen(action))) {
      const thing = thingOf(endpoint) ?? 'site';
      // What changes something is tried with what is somebody else's alone.
      for (const id of endpoint.method === 'GET' ? [own[thing], neighbour[thing]] : [neighbour[thing]]) {
        const path = queried(endpoint.path.replaceAll(/:\w+/g, id));
        const { status, body } = await limited.call(endpoint.method, path, bodyFor(endpoint), IF_MATCH);
        const where = `${endpoint.method} ${path}: ${status} ${JSON.stringify(body)}`;
        if (!isOpen(endpoint.action) && isOfOrganization(endpoint.action)) assert.equal(status, 403, where);
        if (path.includes(id) && id === neighbour[thing] && thing !== 'product') assert.ok(status >= 400, where);
        if (status < 300) assert.ok(!others.some((other) => JSON.stringify(body ?? '').includes(other)), where);
      }
    }
  });

  it('has left everything of others as it was', async () => {
    const api = client(world.url, world.owners.initech);
    const { body } = await api.ok('GET', `/api/v1/sites/${foreign.site}`);
    assert.deepEqual({ ...(body as object), updatedAt: '' }, { ...foreign.before, updatedAt: '' });
  });
});

/** A site with the license that it shows. */
async function licensedSite(
  api: Client,
  contract: string,
): Promise<{ site: string; license: string; cert: string; key: string }> {
  const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const csr = encodePem('CERTIFICATE REQUEST', makeCsr('P-256', { keys }));
  const { body } = await api.ok('POST', '/api/v1/sites/create', { contract, name: 'shows', mode: 'development', csr });
  const { site, license } = body as { site: { id: string }; license: { serial: string; pem: string } };
  const key = keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
  return { site: site.id, license: license.serial, cert: license.pem, key };
}

const foreignIds = (shop: Shop): string[] => [...new Set(Object.values(THINGS))].map((thing) => shop[thing]);

/** What a call of its own shape needs in its query. */
function queried(path: string): string {
  if (path.endsWith('/stats/aggregate')) return `${path}?quarter=2026-Q4`;
  return path.endsWith('/v1/export') ? `${path}?kind=enterprise` : path;
}

const IF_MATCH = { 'If-Match': '*' };

/** Good in form, so that what refuses it is the right or the id. */
function bodyFor({ body, example, operation }: Endpoint): unknown {
  if (body === undefined) return undefined;
  if (operation === 'updateSite') return { labels: { touched: 'yes' } };
  return example.body;
}
