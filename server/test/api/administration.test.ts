import assert from 'node:assert/strict';
import { makeCsr } from '@licet/authority/workshop';
import { encodePem } from '@licet/format';
import { retentionJob } from '../../jobs/retention.ts';
import { retention } from '../../persistence/retention.ts';
import { sql } from '../../persistence/transactions.ts';
import { client, type Client } from './client.ts';
import { openShop, type Shop } from './shop.ts';
import { openWorld, type World } from './world.ts';

type Entry = { sequence: number; action: string; subject: string; actor: string; details: Record<string, unknown> };
type Page<T> = { items: T[]; next?: string };

const csr = (): string => encodePem('CERTIFICATE REQUEST', makeCsr('P-256'));

describe('The administration', () => {
  let world: World;
  let api: Client;
  let shop: Shop;

  before(async function () {
    this.timeout(60_000);
    world = await openWorld(this);
    api = client(world.url, world.owners.acme);
    shop = await openShop(api, 'globex');
  });
  after(() => world?.close());

  const list = async <T>(path: string): Promise<Page<T>> => (await api.ok('GET', path)).body as Page<T>;

  async function newSite(name: string): Promise<{ id: string; license: { serial: string; pem: string } }> {
    const body = { contract: shop.contract, name, mode: 'development', csr: csr() };
    const made = (await api.ok('POST', '/api/v1/sites/create', body)).body as {
      site: { id: string };
      license: { serial: string; pem: string };
    };
    return { id: made.site.id, license: made.license };
  }

  describe('of the audit log', () => {
    it('finds entries by what they say, page by page and from both ends', async () => {
      const whole = (await list<Entry>('/api/v1/audit?limit=200')).items;
      assert.deepEqual(
        whole.map(({ sequence }) => sequence),
        whole.map((_, at) => at + 1),
      );
      const backwards: Entry[] = [];
      for (let next: string | undefined = ''; next !== undefined;) {
        const page: Page<Entry> = await list(`/api/v1/audit?order=newest&limit=7${next && `&after=${next}`}`);
        backwards.push(...page.items);
        next = page.next;
      }
      assert.deepEqual(backwards, whole.toReversed());
      const [created] = whole.filter(({ action }) => action === 'site.created');
      for (const query of [`subject=${created!.subject}`, 'action=site.created', `actor=${created!.actor}`]) {
        const { items } = await list<Entry>(`/api/v1/audit?limit=200&${query}`);
        const [name, value] = query.split('=') as ['actor', string];
        assert.deepEqual(
          items,
          whole.filter((entry) => entry[name] === value),
          query,
        );
      }
      assert.deepEqual((await list('/api/v1/audit?from=2999-01-01T00:00:00Z')).items, []);
    });

    it('checks it, and names the first entry that is not as it was', async () => {
      const check = async () => (await api.ok('POST', '/api/v1/audit/verify', {})).body as { good: boolean };
      assert.equal((await check()).good, true);
      const forge = (actor: string) =>
        world.database.run('platform', async (tx) => {
          await sql(tx).query('reset role');
          await sql(tx).query('alter table audit_log disable trigger all');
          await sql(tx).query(`update audit_log set actor = $1 where organization = 'acme' and sequence = 3`, [actor]);
          await sql(tx).query('alter table audit_log enable trigger all');
        });
      const [, , third] = (await list<Entry>('/api/v1/audit?limit=3')).items;
      await forge('person:nobody');
      assert.deepEqual(await check(), {
        ...(await check()),
        good: false,
        checked: 2,
        finding: {
          sequence: 3,
          code: 'AUDIT_HASH',
          message: 'Row 3 of the audit log of "acme" is not what its hash was made of.',
        },
      });
      await forge(third!.actor);
      assert.equal((await check()).good, true);
    });
  });

  it('lists licenses by site, status and serial, and shows one with its chain', async () => {
    const { id, license } = await newSite('listed');
    const renewed = (await api.ok('POST', '/api/v1/keys/refresh', { license: license.pem, csr: csr() })).body as {
      license: { serial: string };
    };
    const serials = async (query: string) =>
      (await list<{ serial: string }>(`/api/v1/licenses?${query}`)).items.map(({ serial }) => serial).sort();
    assert.deepEqual(await serials(`site=${id}`), [license.serial, renewed.license.serial].sort());
    assert.deepEqual(await serials(`site=${id}&status=superseded`), [license.serial]);
    const upper = license.serial.toUpperCase();
    const colons = upper.match(/../g)!.join(':');
    for (const printed of [license.serial, `serial=${upper}`, colons, `0x${license.serial.replace(/^0/, '')}`]) {
      assert.deepEqual(await serials(`serial=${encodeURIComponent(printed)}`), [license.serial], printed);
      const path = `/api/v1/licenses/${encodeURIComponent(printed)}`;
      const one = (await api.ok('GET', path)).body as { pem: string; successor: string };
      assert.deepEqual([one.pem, one.successor], [license.pem, renewed.license.serial], printed);
      await api.ok('GET', `/api/v1/renewal-info/${encodeURIComponent(printed)}`);
    }
    assert.equal((await api.refused('GET', '/api/v1/licenses?after=1.zz')).body.code, 'CURSOR_INVALID');
  });

  it('shows a site of which there are two, and lets an operator say which counts', async () => {
    const { id, license } = await newSite('twin');
    const refresh = () => api.call('POST', '/api/v1/keys/refresh', { license: license.pem, csr: csr() });
    const first = (await refresh()).body as { license: { serial: string } };
    assert.equal(((await refresh()).body as { code: string }).code, 'CLONE_SUSPECTED');
    const { items } = await list<{ site: string; forkedFrom: string; licenses: { serial: string }[] }>('/api/v1/forks');
    assert.deepEqual(
      items.map(({ site, forkedFrom, licenses }) => [site, forkedFrom, licenses.map(({ serial }) => serial).sort()]),
      [[id, license.serial, [license.serial, first.license.serial].sort()]],
    );
    const path = `/api/v1/sites/${id}/survivor`;
    assert.equal((await api.refused('POST', path, { serial: '00ff' })).body.code, 'LICENSE_NOT_FOUND');
    const printed = `serial=${license.serial.toUpperCase()}`;
    const chosen = (await api.ok('POST', path, { serial: printed })).body;
    assert.deepEqual(chosen, { survivor: license.serial, revoked: [first.license.serial] });
    assert.deepEqual((await list('/api/v1/forks')).items, []);
    assert.equal((await api.refused('POST', path, { serial: license.serial })).body.code, 'NOT_FORKED');
    assert.equal((await refresh()).status, 200);
  });

  it('declares a renewal incident, reads it, and lifts it once', async () => {
    const wanted = { enterprise: shop.enterprise, explanation: 'A mistake.', hours: 1 };
    const { id } = (await api.ok('POST', '/api/v1/renewal-incidents', wanted)).body as { id: string };
    const { license } = await newSite('moved');
    await sqlIn(world, `update licenses set not_before = now() - interval '1 hour' where serial = $1`, license.serial);
    const explanation = async () =>
      ((await api.ok('GET', `/api/v1/renewal-info/${license.serial}`)).body as { explanation?: string }).explanation;
    assert.equal(await explanation(), 'A mistake.');
    for (const incident of (await list<{ id: string; liftedAt?: string }>('/api/v1/renewal-incidents')).items) {
      if (incident.liftedAt === undefined) await api.ok('DELETE', `/api/v1/renewal-incidents/${incident.id}`);
    }
    assert.equal(await explanation(), undefined);
    assert.equal((await api.refused('DELETE', `/api/v1/renewal-incidents/${id}`)).body.code, 'INCIDENT_LIFTED');
    const read = (await api.ok('GET', `/api/v1/renewal-incidents/${id}`)).body as { liftedBy: string };
    assert.match(read.liftedBy, /^token:/);
  });

  it('says to a token that it has no account to sign out of', async () => {
    const { status, body } = await api.refused('POST', '/api/v1/self/sign-out', {});
    assert.deepEqual([status, body.code], [403, 'PERSON_ONLY']);
  });

  it('does not ask for a second person whom nobody is', async () => {
    const on = { settings: { secondPerson: true } };
    const { status, body } = await api.refused('PUT', '/api/v1/organization', on, { 'If-Match': '*' });
    assert.deepEqual([status, body.code], [409, 'OWNERS_NEEDED']);
    await api.ok('PUT', '/api/v1/organization', { settings: { secondPerson: false } }, { 'If-Match': '*' });
  });

  it('ends a token with its answer, and says whose each one is', async () => {
    const make = async () =>
      (await api.ok('POST', '/api/v1/tokens', { name: 'short', roles: ['auditor'], days: 1 })).body as {
        id: string;
        secret: string;
        madeBy: string;
      };
    const { id, secret, madeBy } = await make();
    const holder = client(world.url, secret);
    await holder.ok('GET', '/api/v1/self');
    await api.ok('DELETE', `/api/v1/tokens/${id}`);
    assert.equal((await holder.refused('GET', '/api/v1/self')).status, 401);
    const listed = async (by: string) => {
      const { body } = await api.ok('GET', `/api/v1/tokens?limit=200&madeBy=${encodeURIComponent(by)}`);
      return (body as { items: { id: string }[] }).items.some((one) => one.id === id);
    };
    assert.deepEqual([await listed(madeBy), await listed('person:nobody')], [true, false]);
  });

  it('gives out what is kept about a person, and erases it', async () => {
    const invite = { email: 'Erased@Example.com', name: 'To be erased', roles: ['operator'] };
    const { id } = (await api.ok('POST', '/api/v1/people', invite)).body as { id: string };
    const again = (await api.ok('POST', `/api/v1/people/${id}/invite`)).body as { invitation: string };
    const accept = { invitation: again.invitation, password: 'seven llamas sing at dawn' };
    await api.ok('POST', '/api/v1/invitations/accept', accept);
    const signIn = { organization: 'acme', email: invite.email, password: accept.password };
    await api.ok('POST', '/api/v1/sessions', signIn);
    const kept = (await api.ok('GET', `/api/v1/people/${id}/export`)).body as Record<string, unknown>;
    assert.deepEqual(
      [kept['email'], kept['name'], kept['hasPassword'], (kept['sessions'] as object[]).length, kept['pseudonym']],
      ['erased@example.com', 'To be erased', true, 1, `person:${id}`],
    );
    await api.ok('DELETE', `/api/v1/people/${id}`);
    assert.equal((await api.refused('POST', '/api/v1/sessions', signIn)).body.code, 'SIGN_IN_REFUSED');
    const { items } = await list<Entry>(`/api/v1/audit?limit=200&subject=person:${id}`);
    assert.deepEqual(
      items.map(({ action }) => action),
      ['person.invited', 'person.invited', 'person.accepted', 'person.exported', 'person.erased'],
    );
    assert.ok(!JSON.stringify(items).toLowerCase().includes('erased@example.com'));
  });

  it('gives out what is kept about an enterprise, and erases it once it is closed', async () => {
    const secret = await openShop(api, 'secretive');
    await api.ok('PUT', `/api/v1/sites/${secret.site}`, { labels: { plant: 'Geheim' } }, { 'If-Match': '*' });
    const path = `/api/v1/enterprises/${secret.enterprise}`;
    const lines = async () =>
      String((await api.ok('GET', `${path}/export`)).body)
        .trimEnd()
        .split('\n')
        .map((line) => JSON.parse(line) as Record<string, unknown>);
    const before = await lines();
    assert.deepEqual(
      [...new Set(before.map(({ kind }) => kind))],
      [
        'enterprise',
        'contract',
        'site',
        'license',
        'enrolment-token',
        'trust-rule',
        'renewal-incident',
        'webhook',
        'mail-recipient',
      ],
    );
    assert.ok(!before.some((row) => 'hash' in row || 'request' in row));
    assert.match(JSON.stringify(before), /Geheim/);
    const refused = await api.refused('POST', `${path}/erase`, undefined, { 'If-Match': '*' });
    assert.equal(refused.body.code, 'ENTERPRISE_NOT_CLOSED');
    await api.ok('DELETE', path, undefined, { 'If-Match': '*' });
    await api.ok('POST', `${path}/erase`, undefined, { 'If-Match': '*' });
    const left = await lines();
    assert.equal(left.filter(({ kind }) => kind === 'license').length, 1);
    const rest = JSON.stringify(left.filter(({ kind }) => kind !== 'contract'));
    for (const name of ['Geheim', 'secretive', 'plant-1', 'plant-2']) assert.ok(!rest.includes(name), name);
    assert.equal(((await api.ok('POST', '/api/v1/audit/verify', {})).body as { good: boolean }).good, true);
    const [last] = (await list<Entry>(`/api/v1/audit?order=newest&limit=2&subject=enterprise:${secret.enterprise}`))
      .items;
    assert.equal(last?.action, 'enterprise.exported');
  });

  // Mocha takes the groups last and in this order: after this one nobody's token is good any more.
  describe('at the end of the time that things are kept', () => {
    it('forgets what was kept long enough, and nothing sooner', async () => {
      const invite = { email: 'late@example.com', name: 'Late', roles: ['operator'] };
      const { id } = (await api.ok('POST', '/api/v1/people', invite)).body as { id: string };
      const { id: alert } = (
        await api.ok('POST', '/api/v1/alerts', { kind: 'license-invalid', serial: 'abcd', codes: ['EXPIRED'] })
      ).body as { id: string };
      await api.ok('POST', `/api/v1/alerts/${alert}/resolve`);
      const days = { invitation: 30, 'api-token': 365, 'enrolment-token': 90, approval: 365, alert: 365 };
      const after = async (passed: number) => {
        const clock = { now: () => new Date(Date.now() + passed * 86_400_000) };
        const job = retentionJob({ transactions: world.database, clock, retention, days });
        const context = {
          slot: new Date(0),
          signal: new AbortController().signal,
          assertHeld: () => Promise.resolve(),
        };
        await job.run(context);
        const [people] = await sqlIn<{ status: string }>(world, 'select status from people where id = $1', id);
        const left = async (table: string) => (await sqlIn(world, `select 1 from ${table} where $1 = ''`, '')).length;
        const alerts = await sqlIn(world, 'select 1 from alerts where id = $1', alert);
        return [people?.status, (await left('enrolment_tokens')) > 0, (await left('api_tokens')) > 0, alerts.length];
      };
      assert.deepEqual(await after(36), ['invited', true, true, 1]);
      assert.deepEqual(await after(38), ['erased', true, true, 1]);
      assert.deepEqual(await after(92), ['erased', false, true, 1]);
      assert.deepEqual(await after(370), ['erased', false, true, 0]);
      assert.deepEqual(await after(400), ['erased', false, false, 0]);
    });
  });
});

const sqlIn = <Row>(world: World, query: string, ...values: readonly unknown[]): Promise<Row[]> =>
  world.database.run('platform', (tx) => sql(tx).query<Row>(query, values));
