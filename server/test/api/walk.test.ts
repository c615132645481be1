import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '@licet/checks';
import { createRemoteJWKSet, jwtVerify } from 'jose';
import { sql } from '../../persistence/transactions.ts';
import { verifyWebhook } from '@licet/verify/webhook';
import { openReceiver } from '../notices/receiver.ts';
import { client, type Client } from './client.ts';
import { openWorld, type World } from './world.ts';

const TERMS = {
  tier: { rank: 20, code: 'gold' },
  features: ['press', 'press/remote'],
  limits: [{ code: 'machines', max: 10, scope: 'pool', enforce: 'hard' }],
  siteCaps: { production: 1, development: 2 },
  modeChanges: true,
  graceSeconds: 86_400,
  contactSeconds: 86_400,
  degrade: 'warn',
  bindingNeed: 0,
};

const ANY = { 'If-Match': '*' };

type Made = { readonly id: string; readonly version: number };

describe('The API, as a new user walks through it', () => {
  let world: World;
  let api: Client;
  let folder: string;
  const made: Record<string, Made> = {};

  before(async function () {
    requireTool(this, 'openssl');
    this.timeout(60_000);
    world = await openWorld(this);
    api = client(world.url, world.owners.acme);
    folder = mkdtempSync(join(tmpdir(), 'licet-walk-'));
  });
  after(async () => {
    await world?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  const csr = (name: string): string => {
    const args = [
      'req',
      '-new',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:P-256',
      '-nodes',
      '-subj',
      '/CN=plant-1',
    ];
    execFileSync('openssl', [...args, '-keyout', join(folder, `${name}.key`), '-out', join(folder, `${name}.csr`)], {
      stdio: 'pipe',
    });
    return readFileSync(join(folder, `${name}.csr`), 'utf8');
  };

  it('describes a product, and sells a contract to an enterprise', async () => {
    const catalog = {
      features: [{ code: 'remote', name: 'Remote control' }],
      limits: [{ code: 'machines', name: 'Machines', unit: 'machines' }],
      tiers: [{ rank: 20, code: 'gold', name: 'Gold' }],
    };
    await api.ok('POST', '/api/v1/products', { code: 'press', name: 'Press', catalog });
    const enterprise = (await api.ok('POST', '/api/v1/enterprises', { slug: 'globex', name: 'Globex' })).body as Made;
    const year = new Date().getUTCFullYear();
    const term = { firstDay: `${year}-01-01`, lastDay: `${year + 1}-12-31`, timeZone: 'Europe/Berlin' };
    const contract = { enterprise: enterprise.id, number: 'C-1', terms: TERMS, term };
    made['contract'] = (await api.ok('POST', '/api/v1/contracts', contract)).body as Made;
    await api.ok('POST', `/api/v1/contracts/${made['contract'].id}/activate`, undefined, { 'If-Match': '"1"' });
  });

  it('gives a site its license at once for a request that openssl made', async () => {
    const body = {
      contract: made['contract']!.id,
      name: 'plant-1',
      mode: 'development',
      csr: csr('one'),
      shares: { machines: 4 },
    };
    const answer = (await api.ok('POST', '/api/v1/sites/create', body)).body as {
      site: { id: string; version: number };
      license: { pem: string };
    };
    made['site'] = answer.site;
    writeFileSync(join(folder, 'site.lic'), answer.license.pem);
    const text = execFileSync('openssl', ['x509', '-in', join(folder, 'site.lic'), '-noout', '-subject'], {
      encoding: 'utf8',
    });
    assert.match(text, /O ?= ?acme, OU ?= ?globex, CN ?= ?plant-1/);
  });

  it('moves the site from development to production, with another license for the same key', async () => {
    const path = `/api/v1/sites/${made['site']!.id}`;
    const { headers } = await api.ok('GET', path);
    const moved = await api.ok('PUT', path, { mode: 'production' }, { 'If-Match': headers.get('etag')! });
    const { site, license } = moved.body as { site: { mode: string }; license: { pem: string } };
    assert.equal(site.mode, 'production');
    writeFileSync(join(folder, 'production.lic'), license.pem);
    const key = (file: string) =>
      execFileSync('openssl', ['x509', '-in', join(folder, file), '-noout', '-pubkey'], { encoding: 'utf8' });
    assert.equal(key('production.lic'), key('site.lic'));
  });

  it('says what the license is worth, in a token that anybody can verify', async () => {
    const license = readFileSync(join(folder, 'production.lic'), 'utf8');
    const require = { features: ['press/remote'], limits: { machines: 4 } };
    const { body } = await api.ok('POST', '/api/v1/keys/validate', { license, product: 'press', require });
    const { verdict, token } = body as { verdict: { usable: boolean; state: string }; token: string };
    assert.deepEqual([verdict.usable, verdict.state], [true, 'valid'], JSON.stringify(verdict));
    const keys = createRemoteJWKSet(new URL('/.well-known/jwks.json', world.url));
    const { payload } = await jwtVerify(token, keys, {
      issuer: 'urn:licet:organization:acme',
      typ: 'licet-verdict+jwt',
      algorithms: ['ES256'],
    });
    assert.deepEqual(payload['verdict'], verdict);
    const old = readFileSync(join(folder, 'site.lic'), 'utf8');
    const { body: superseded } = await api.ok('POST', '/api/v1/keys/validate', { license: old });
    const { codes } = (superseded as { verdict: { codes: { code: string }[] } }).verdict;
    assert.ok(codes.some(({ code }) => code === 'SUPERSEDED'));
  });

  it('shows what another site would get, and why not', async () => {
    const path = `/api/v1/contracts/${made['contract']!.id}/preview`;
    const { body } = await api.ok('POST', path, { mode: 'production', shares: { machines: 9 } });
    const { possible, obstacles } = body as { possible: boolean; obstacles: { code: string }[] };
    assert.equal(possible, false);
    assert.deepEqual(obstacles.map(({ code }) => code).toSorted(), ['POOL_EXHAUSTED', 'SITE_CAP_REACHED']);
  });

  it('renews the license: the old one and a request in, a new one out', async () => {
    const license = readFileSync(join(folder, 'production.lic'), 'utf8');
    const first = await api.ok('POST', '/api/v1/keys/refresh', { license, csr: csr('two') });
    const again = await api.ok('POST', '/api/v1/keys/refresh', {
      license,
      csr: readFileSync(join(folder, 'two.csr'), 'utf8'),
    });
    assert.deepEqual(again.body, first.body);
  });

  it('calls nothing good below a CA that is on hold, from that moment on and until it is released', async () => {
    const license = readFileSync(join(folder, 'production.lic'), 'utf8');
    const codes = async (): Promise<string[]> => {
      const { body } = await api.ok('POST', '/api/v1/keys/validate', { license });
      return (body as { verdict: { codes: { code: string }[] } }).verdict.codes.map(({ code }) => code);
    };
    const authority = new X509Certificate(license.split(/(?<=-----END CERTIFICATE-----\n)/)[1]!);
    const change = (reason: number): Promise<void> =>
      world.database.run('platform', async (tx) => {
        await sql(tx).query(
          `with next as (update revocation_changes set last = last + 1 returning last)
           insert into revocations (issuer, serial, organization, crl_shard, not_after, reason, revoked_at, change)
           select issuer, serial, organization, crl_shard, not_after, $2, now(), last from serials, next
            where serial = decode($1, 'hex')
           on conflict (issuer, serial) do update set reason = excluded.reason, change = excluded.change`,
          [authority.serialNumber, reason],
        );
      });
    assert.ok(!(await codes()).includes('ISSUER_REVOKED'));
    await change(6);
    assert.equal((await codes())[0], 'ISSUER_REVOKED');
    await change(8);
    assert.ok(!(await codes()).includes('ISSUER_REVOKED'));
  });

  it('suspends, reinstates and retires it; what is gone stays readable', async () => {
    const path = `/api/v1/sites/${made['site']!.id}`;
    for (const status of ['suspended', 'active', 'retired']) {
      const { body } = await api.ok('PUT', path, { status }, { 'If-Match': '*' });
      assert.equal((body as { site: { status: string } }).site.status, status);
    }
    const again = await api.refused('PUT', path, { status: 'active' }, { 'If-Match': '*' });
    assert.deepEqual([again.status, again.body.code], [409, 'TRANSITION_REFUSED']);
    assert.equal(((await api.ok('GET', path)).body as { status: string }).status, 'retired');
  });

  it('has events sent to an address, and what did not arrive sent again', async () => {
    const receiver = await openReceiver();
    const wanted = { name: 'Back office', url: receiver.url, events: ['enterprise.*'] };
    const { id, secret } = (await api.ok('POST', '/api/v1/webhooks', wanted)).body as Made & { secret: string };
    const path = `/api/v1/webhooks/${id}`;
    const { body: tested } = await api.ok('POST', `${path}/test`);
    assert.deepEqual(tested, { delivered: true, answer: 204 });
    const [message] = receiver.received;
    assert.equal((await verifyWebhook(message!, { secrets: [secret], at: new Date() })).type, 'webhook.test');
    const rotated = (await api.ok('POST', `${path}/rotate`, { hours: 1 }, ANY)).body as { secret: string };
    assert.notEqual(rotated.secret, secret);
    assert.ok(!JSON.stringify((await api.ok('GET', path)).body).includes('whsec_'));
    await api.ok('PUT', path, { events: ['enterprise.created'] }, ANY);
    await api.ok('POST', '/api/v1/enterprises', { slug: 'umbrella', name: 'Umbrella' });
    await api.ok('POST', `${path}/disable`, undefined, ANY);
    const { body: refused } = await api.refused('POST', `${path}/replay`, {});
    assert.equal(refused.code, 'WEBHOOK_DISABLED');
    await api.ok('POST', `${path}/enable`, undefined, ANY);
    const list = async (status: string) =>
      ((await api.ok('GET', `${path}/deliveries?status=${status}`)).body as { items: { id: string; type: string }[] })
        .items;
    const [dead] = await list('dead');
    assert.equal(dead?.type, 'enterprise.created');
    await api.ok('POST', `${path}/deliveries/${dead.id}/replay`);
    assert.equal((await list('waiting')).length, 1);
    assert.equal((await api.refused('DELETE', `${path}/deliveries/${dead.id}`)).status, 404);
    assert.deepEqual((await api.ok('POST', `${path}/replay`, {})).body, { replayed: 0 });
    await api.ok('DELETE', path, undefined, ANY);
    assert.equal((await api.refused('GET', path)).status, 404);
    await receiver.close();
  });

  it('tells somebody by mail, and shows what is to be looked at', async () => {
    const wanted = { name: 'Desk', address: 'desk@example.com', events: ['*'] };
    const made = (await api.ok('POST', '/api/v1/mail-recipients', wanted)).body as Made & { events: string[] };
    assert.ok(made.events.includes('alert.opened'));
    const path = `/api/v1/mail-recipients/${made.id}`;
    assert.deepEqual((await api.ok('POST', `${path}/test`)).body, { delivered: false, error: 'There is none.' });
    assert.equal((await api.refused('POST', '/api/v1/mail-recipients', wanted)).body.code, 'MAIL_RECIPIENT_EXISTS');
    await api.ok('PUT', path, { status: 'disabled' }, ANY);
    await api.ok('DELETE', path, undefined, ANY);
    const report = { kind: 'license-invalid', serial: 'ab12', codes: ['EXPIRED'] };
    const { id } = (await api.ok('POST', '/api/v1/alerts', report)).body as Made;
    const found = async (query: string) =>
      ((await api.ok('GET', `/api/v1/alerts?${query}`)).body as { items: { id: string }[] }).items.map((it) => it.id);
    assert.deepEqual(await found('kind=license-invalid&severity=warning&status=open'), [id]);
    assert.deepEqual(await found('kind=clone-suspected'), []);
    assert.deepEqual(await found('enterprise=00000000-0000-7000-8000-000000000000'), []);
    await api.ok('POST', `/api/v1/alerts/${id}/acknowledge`);
    assert.equal(((await api.ok('GET', `/api/v1/alerts/${id}`)).body as { status: string }).status, 'acknowledged');
  });
});
