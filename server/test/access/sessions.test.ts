import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../config/index.ts';
import { guardsFor } from '../../http/access/guards.ts';
import type { Open, Use } from '../../http/api/endpoint.ts';
import { providerEndpoints } from '../../http/api/providers.ts';
import { selfEndpoints } from '../../http/api/self.ts';
import { routeOf } from '../../http/api/serve.ts';
import { sessionEndpoints } from '../../http/api/sessions.ts';
import type { Action } from '../../licensing/access/actions.ts';
import { createAuthenticator } from '../../licensing/access/authenticate.ts';
import { createLimiter } from '../../licensing/access/limits.ts';
import { stepAt, totpCode } from '../../licensing/access/totp.ts';
import { invitePerson } from '../../licensing/access/people.ts';
import type { Log } from '../../log/log.ts';
import {
  accessDeps,
  addOrganization,
  addPerson,
  inside,
  owner,
  PASSWORD,
  type TestAccess,
} from '../../persistence/access/test/access.ts';
import { idempotencyKeys } from '../../persistence/idempotency.ts';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import { systemRandom } from '../../random.ts';
import { sealingKey } from '../../sealing-key.ts';
import { accessUse } from '../api/access-use.ts';
import { serve, type Served } from '../frame/served.ts';

const WIDE = { burst: 1000, everySeconds: 1 };

describe('The routes of sessions', () => {
  let database: TestDatabase;
  let deps: TestAccess;
  let served: Served;

  before(async function () {
    database = await testDatabase(this);
    deps = accessDeps(database);
    await addOrganization(deps, 'acme');
    const ignore = (): void => undefined;
    const log = { debug: ignore, info: ignore, warn: ignore, error: ignore } as unknown as Log;
    const limiter = createLimiter({ organization: WIDE, token: WIDE, site: WIDE, address: WIDE }, deps.clock);
    const monthly = { count: () => Promise.resolve(), flush: () => Promise.resolve() };
    const assertUnfenced = () => Promise.resolve();
    const nobody = { license: undefined, signature: () => assert.fail('nobody signs here') };
    const guards = { authenticator: createAuthenticator(deps), ...nobody, limiter, monthly, assertUnfenced, log };
    const use = { access: accessUse(deps, deps) } as Use;
    const api = { use, keys: idempotencyKeys, guardsFor: (action: Action | Open) => guardsFor(action, guards) };
    const all = [...sessionEndpoints, ...selfEndpoints, ...providerEndpoints];
    served = await serve({ routes: all.map((it) => routeOf(it, api)) });
  });
  after(async () => {
    await served?.close();
    await database?.close();
  });

  type Body = Record<string, string> & { recoveryCodes: string[]; may: string[]; errors: { pointer: string }[] };
  const ask = async (method: string, path: string, body?: unknown, headers: Record<string, string> = {}) => {
    const type = body === undefined ? {} : { 'Content-Type': 'application/json' };
    const init = { method, headers: { ...type, ...headers }, redirect: 'manual' as const };
    const response = await fetch(
      `${served.url}${path}`,
      body === undefined ? init : { ...init, body: JSON.stringify(body) },
    );
    const text = await response.text();
    return {
      status: response.status,
      headers: response.headers,
      body: (text === '' ? {} : JSON.parse(text)) as Body,
      text,
    };
  };
  const as = (token: string | undefined) => ({ Authorization: `Bearer ${token}` });
  const signIn = (email: string, more: object = {}) =>
    ask('POST', '/api/v1/sessions', { organization: 'acme', email, password: PASSWORD, ...more });

  it('let a person in, tell who it is, and let it out again', async () => {
    await addPerson(deps, 'acme', 'ann@example.org', ['billing']);
    const { status, body, headers } = await signIn('ann@example.org');
    assert.equal(status, 201);
    assert.equal(headers.get('Cache-Control'), 'no-store');
    const self = await ask('GET', '/api/v1/self', undefined, as(body['accessToken']));
    assert.deepEqual([self.body['kind'], self.body['organization']], ['person', 'acme']);
    assert.ok(self.body.may.includes('contract.create') && !self.body.may.includes('site.create'));
    const next = await ask('POST', '/api/v1/sessions/refresh', { refreshToken: body['refreshToken'] });
    assert.equal(next.status, 200);
    const out = await ask('POST', '/api/v1/self/sign-out', {}, as(next.body['accessToken']));
    assert.equal(out.status, 204);
    assert.equal((await ask('GET', '/api/v1/self', undefined, as(next.body['accessToken']))).status, 401);
  });

  it('answer an unknown account and a wrong password byte for byte alike, but for the request id', async () => {
    await addPerson(deps, 'acme', 'known@example.org');
    const [known, unknown] = [
      await signIn('known@example.org', { password: 'wrong' }),
      await signIn('unknown@example.org', { password: 'wrong' }),
    ];
    const bare = ({ text, headers, status }: typeof known): unknown => {
      const left = [...headers].filter(([name]) => !['x-request-id', 'date'].includes(name));
      return [status, text.replace(/urn:licet:request:[\w-]+/, ''), left];
    };
    assert.deepEqual(bare(known), bare(unknown));
    assert.equal(known.status, 401);
  });

  it('answer 429 with Retry-After to who tries too often', async () => {
    const tries = await Promise.all(Array.from({ length: 50 }, () => signIn('stormed@example.org', { password: 'x' })));
    const refused = tries.filter(({ status }) => status === 429);
    assert.equal(refused.length, 45);
    assert.ok(refused.every(({ headers }) => Number(headers.get('Retry-After')) >= 1));
    deps.clock.advance(3600_000);
  });

  it('set up a second factor, and ask for it from then on', async () => {
    await addPerson(deps, 'acme', 'two@example.org');
    const token = (await signIn('two@example.org')).body['accessToken'];
    const begun = await ask('POST', '/api/v1/self/totp', undefined, as(token));
    assert.equal(begun.status, 201);
    const bits = Array.from(begun.body['secret'] ?? '', (digit) =>
      'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(digit).toString(2).padStart(5, '0'),
    ).join('');
    const secret = Buffer.from((bits.match(/.{8}/g) ?? []).map((byte) => Number.parseInt(byte, 2)));
    const code = (step: number): string => totpCode(secret, stepAt(deps.clock.now()) + step);
    const confirmed = await ask('POST', '/api/v1/self/totp/confirm', { code: code(0) }, as(token));
    assert.equal(confirmed.body.recoveryCodes.length, 10);
    assert.equal((await signIn('two@example.org')).body['code'], 'CODE_REQUIRED');
    assert.equal((await signIn('two@example.org', { code: code(1) })).status, 201);
    assert.equal((await signIn('two@example.org', { code: confirmed.body.recoveryCodes[0] })).status, 201);
    const removed = await ask('POST', '/api/v1/self/totp/remove', { code: confirmed.body.recoveryCodes[1] }, as(token));
    assert.equal(removed.status, 204);
    assert.equal((await signIn('two@example.org')).status, 201);
  });

  it('take an invitation and a new password', async () => {
    const invited = await inside(deps, 'acme', (tx) =>
      invitePerson(deps, tx, owner('acme'), { email: 'new@example.org', name: 'New', roles: ['operator'] }),
    );
    assert.ok(invited.outcome === 'done');
    const { invitation } = invited.result;
    const weak = await ask('POST', '/api/v1/invitations/accept', { invitation, password: 'short' });
    assert.deepEqual(
      [weak.status, weak.body['code'], weak.body.errors[0]?.pointer],
      [400, 'PASSWORD_WEAK', '/password'],
    );
    const accepted = await ask('POST', '/api/v1/invitations/accept', { invitation, password: PASSWORD });
    assert.equal(accepted.status, 200);
    const token = (await signIn('new@example.org')).body['accessToken'];
    const password = 'nine llamas sleep at noon';
    const changed = await ask('POST', '/api/v1/self/password', { old: PASSWORD, password }, as(token));
    assert.equal(changed.status, 204);
    assert.equal((await signIn('new@example.org')).status, 401);
    assert.equal((await signIn('new@example.org', { password })).status, 201);
  });

  it('send the browser to a provider and take it back by its cookie alone', async () => {
    await addPerson(deps, 'acme', 'boss@example.org', ['owner']);
    const boss = as((await signIn('boss@example.org')).body['accessToken']);
    const input = { name: 'corp', issuer: 'https://login.example', clientId: 'licet', clientSecret: 'canary-secret' };
    const algorithms = ['ES256'];
    const made = await ask('POST', '/api/v1/providers', { ...input, algorithms, trustsEmail: true }, boss);
    assert.equal(made.status, 201);
    const listed = await ask('GET', '/api/v1/providers', undefined, boss);
    assert.ok(listed.text.includes(made.body['id'] ?? '-') && !listed.text.includes('canary-secret'));
    await inside(deps, 'acme', (tx) =>
      invitePerson(deps, tx, owner('acme'), { email: 'linked@example.org', name: 'Linked', roles: ['operator'] }),
    );
    const leave = async () => {
      const sent = await ask('GET', '/api/v1/organizations/acme/providers/corp/sign-in');
      assert.equal(sent.status, 303);
      const url = new URL(sent.headers.get('Location') ?? '');
      assert.equal(url.searchParams.get('redirect_uri'), 'https://licet.example/api/v1/sessions/return');
      const set = sent.headers.get('Set-Cookie') ?? '';
      assert.match(set, /^__Host-licet-sign-in=[^;]+; Path=\/; Max-Age=600; Secure; HttpOnly; SameSite=Lax$/);
      return { state: url.searchParams.get('state'), cookie: set.split(';')[0] ?? '' };
    };
    const [one, other] = [await leave(), await leave()];
    const back = (state: string | null, cookie: string) =>
      ask('GET', `/api/v1/sessions/return?code=x&state=${state}`, undefined, { Cookie: cookie });
    assert.equal((await back(one.state, other.cookie)).status, 401);
    assert.equal((await back(one.state, one.cookie)).status, 401, 'the state is spent');
    const { status, body } = await back(other.state, `x=y; ${other.cookie}`);
    assert.equal(status, 200);
    assert.equal((await ask('GET', '/api/v1/self', undefined, as(body['accessToken']))).status, 200);
    assert.equal((await ask('DELETE', `/api/v1/providers/${made.body['id']}`, undefined, boss)).status, 204);
    assert.equal((await ask('DELETE', `/api/v1/providers/${made.body['id']}`, undefined, boss)).status, 404);
    for (const name of ['corp', 'none']) {
      assert.equal((await ask('GET', `/api/v1/organizations/acme/providers/${name}/sign-in`)).status, 404);
    }
  });

  it('refuse what they do not know, and what is missing', async () => {
    const full = { organization: 'acme', email: 'a@example.org', password: 'x' };
    for (const bad of [
      { ...full, extra: 1 },
      { ...full, email: 1 },
      { ...full, email: '' },
      { email: 'a' },
      [],
      null,
      'x',
    ]) {
      assert.equal((await ask('POST', '/api/v1/sessions', bad)).status, 400, JSON.stringify(bad));
    }
    assert.equal((await ask('POST', '/api/v1/sessions/refresh', { refreshToken: 'x' })).status, 401);
    assert.equal((await ask('POST', '/api/v1/self/sign-out', {})).status, 401);
    assert.equal((await ask('GET', '/api/v1/sessions/return?code=x')).status, 400);
  });

  it('write no secret into the log', () => {
    const lines = JSON.stringify(served.lines);
    assert.ok(lines.length > 1000);
    for (const canary of [
      PASSWORD,
      'licet_session_',
      'licet_refresh_',
      'licet_invite_',
      'licet_state_',
      'example.org',
      'canary-secret',
    ]) {
      assert.ok(!lines.includes(canary), canary);
    }
  });
});

describe('The sealing key', () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'licet-sealing-'))));
  afterEach(() => rmSync(folder, { recursive: true }));
  const config = (more: object = {}) => ({ access: more, data: { folder } }) as unknown as Config;

  it('is made at the first start, for its owner alone, and kept', () => {
    const key = sealingKey(config(), systemRandom);
    assert.equal(key.length, 32);
    assert.deepEqual(sealingKey(config(), systemRandom), key);
    assert.equal(statSync(join(folder, 'access.key')).mode & 0o777, 0o600);
    assert.equal(readFileSync(join(folder, 'access.key'), 'utf8'), `${Buffer.from(key).toString('hex')}\n`);
  });

  it('of the configuration comes first', () => {
    assert.deepEqual(sealingKey(config({ sealingKey: 'ab'.repeat(32) }), systemRandom), Buffer.alloc(32, 0xab));
  });

  it('is never made anew over a damaged one', () => {
    writeFileSync(join(folder, 'access.key'), 'damaged');
    assert.throws(() => sealingKey(config(), systemRandom), /restore it from a backup/);
  });
});
