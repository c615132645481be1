import assert from 'node:assert/strict';
import type { Authenticator } from '../../licensing/access/authenticate.ts';
import { createLimiter, type Limiter } from '../../licensing/access/limits.ts';
import { newSecret } from '../../licensing/access/secrets.ts';
import { LicetError } from '../../licensing/errors.ts';
import type { Principal, Role } from '../../licensing/model/principal.ts';
import { type GuardDeps, guardsFor } from '../../http/access/guards.ts';
import { principalOf } from '../../http/access/principal.ts';
import type { Open } from '../../http/api/endpoint.ts';
import type { Route, Step } from '../../http/routes.ts';
import type { Action } from '../../licensing/access/actions.ts';
import { ManualClock } from '../../licensing/test/manual-clock.ts';
import { seededRandom } from '../../licensing/test/seeded-random.ts';
import { serve, type Served } from '../frame/served.ts';

const CANARY = newSecret('api', seededRandom('canary'));
const WIDE = { burst: 1000, everySeconds: 1 };
const NARROW = { burst: 2, everySeconds: 30 };

const who = (role: Role): Principal => ({
  kind: 'token',
  id: `token:${role}`,
  organization: 'acme',
  roles: [role],
  enterprise: undefined,
  site: undefined,
});

/** Knows one token of each role: `<role>`, and the canary, which is an owner's. */
const authenticator: Authenticator = {
  bearer: async (token) => {
    if (token === CANARY) return { principal: who('owner'), session: undefined };
    if (['owner', 'auditor', 'application'].includes(token))
      return { principal: who(token as Role), session: undefined };
    throw new LicetError('unauthenticated', 'NOT_AUTHENTICATED', 'The token is not good.');
  },
  forget: () => undefined,
  flush: () => Promise.resolve(),
};

const broken: Limiter = {
  address: () => {
    throw new Error('the limiter is broken');
  },
  principal: () => {
    throw new Error('the limiter is broken');
  },
};

type Acting = Route & { readonly action: Action | Open };

const routes: readonly Acting[] = [
  { method: 'POST', path: '/sites', action: 'site.create', body: { kind: 'json' }, handle: answer },
  { method: 'POST', path: '/renew', action: 'license.renew', handle: answer },
  { method: 'POST', path: '/validate', action: 'license.validate', handle: answer },
  { method: 'POST', path: '/revoke-token', action: 'token.revoke', handle: answer },
  { method: 'POST', path: '/approve', action: 'approval.decide', handle: answer },
  { method: 'POST', path: '/sign-in', action: 'sign-in', handle: (_request, response) => void response.json({}) },
  {
    method: 'GET',
    path: '/fails',
    action: 'self.read',
    handle: () => {
      throw new Error('boom');
    },
  },
];

function answer(request: Parameters<Step>[0], response: Parameters<Step>[1]): void {
  response.json({ id: principalOf(request).id });
}

describe('The guards of a route', () => {
  let served: Served;
  const open = async (more: Partial<GuardDeps> = {}): Promise<void> => {
    const clock = new ManualClock();
    const rates = { organization: WIDE, token: WIDE, site: WIDE, address: WIDE };
    const log = { debug: ignore, info: ignore, warn: ignore, error: ignore } as unknown as GuardDeps['log'];
    const monthly = { count: () => Promise.resolve(), flush: () => Promise.resolve() };
    const nobody = { license: undefined, signature: () => assert.fail('nobody signs here') };
    const assertUnfenced = () => Promise.resolve();
    const limiter = createLimiter(rates, clock);
    const deps = { authenticator, ...nobody, limiter, monthly, assertUnfenced, log, ...more };
    served = await serve({ routes: routes.map((it) => ({ ...it, ...guardsFor(it.action, deps) })) });
  };
  afterEach(() => served.close());

  const ask = async (path: string, token?: string, init: RequestInit = {}) => {
    const headers = {
      'Content-Type': 'application/json',
      ...(token !== undefined && { Authorization: `Bearer ${token}` }),
    };
    const method = path === '/fails' ? 'GET' : 'POST';
    const response = await fetch(`${served.url}${path}`, {
      method,
      ...(method === 'POST' && { body: '{}' }),
      headers,
      ...init,
    });
    const body = (await response.json()) as { code?: string; id?: string };
    return {
      status: response.status,
      code: body.code,
      id: body.id,
      retry: response.headers.get('Retry-After'),
      response,
    };
  };

  it('let in who may, and say who it is', async () => {
    await open();
    const { status, id } = await ask('/sites', 'owner');
    assert.deepEqual({ status, id }, { status: 200, id: 'token:owner' });
  });

  it('let nothing be changed while the database is older than the journal, and go on with what reads', async () => {
    const fenced = new LicetError('unavailable', 'FENCED', 'The database is old.', { retryAfterSeconds: 60 });
    await open({ assertUnfenced: () => Promise.reject(fenced) });
    for (const path of ['/sites', '/renew']) {
      const { status, code, retry } = await ask(path, 'owner');
      assert.deepEqual({ status, code }, { status: 503, code: 'FENCED' });
      assert.ok(Number(retry) >= 60, String(retry));
    }
    assert.equal((await ask('/sites')).code, 'NOT_AUTHENTICATED');
    assert.equal((await ask('/sites', 'auditor')).code, 'NOT_ALLOWED');
    assert.equal((await ask('/validate', 'owner')).status, 200);
    assert.equal((await ask('/sign-in')).status, 200);
    // Who is to be locked out, an owner perhaps by two of the others.
    for (const path of ['/revoke-token', '/approve']) assert.equal((await ask(path, 'owner')).status, 200);
  });

  it('refuse who is not known with 401 and a challenge, whatever the header says', async () => {
    await open();
    for (const header of [
      '',
      'Bearer',
      'Bearer ',
      'Bearer x y',
      'Basic b3duZXI6',
      'bearer\towner',
      `Bearer ${'a'.repeat(300)}`,
    ]) {
      const { status, code, response } = await ask('/sites', undefined, {
        headers: { Authorization: header, 'Content-Type': 'application/json' },
      });
      assert.deepEqual([status, code], [401, 'NOT_AUTHENTICATED'], header);
      assert.match(response.headers.get('WWW-Authenticate') ?? '', /^Bearer/);
    }
    assert.equal((await ask('/sites?access_token=owner')).status, 401);
  });

  it('refuse who may never do it before the body is read', async () => {
    await open();
    const { status, code } = await ask('/sites', 'auditor', { body: 'this is no JSON' });
    assert.deepEqual([status, code], [403, 'NOT_ALLOWED']);
    assert.equal((await ask('/sites', 'owner', { body: 'this is no JSON' })).status, 400);
  });

  for (const narrow of ['address', 'token', 'organization'] as const) {
    it(`tell who asks too often when to come back: ${narrow}`, async () => {
      const rates = { organization: WIDE, token: WIDE, site: WIDE, address: WIDE, [narrow]: NARROW };
      await open({ limiter: createLimiter(rates, new ManualClock()) });
      assert.deepEqual([(await ask('/renew', 'owner')).status, (await ask('/renew', 'owner')).status], [200, 200]);
      const { status, code, retry } = await ask('/renew', 'owner');
      assert.deepEqual([status, code, retry], [429, 'TOO_MANY_REQUESTS', '30']);
    });
  }

  it('let renewals and validations through when the limiter fails, and nothing else', async () => {
    await open({ limiter: broken });
    assert.equal((await ask('/renew', 'application')).status, 200);
    assert.equal((await ask('/validate', 'application')).status, 200);
    for (const path of ['/sites', '/sign-in']) {
      const { status, code, retry } = await ask(path, 'owner');
      assert.deepEqual([status, code], [503, 'LIMITER_UNAVAILABLE'], path);
      assert.ok(Number(retry) >= 5 && Number(retry) <= 10, `${retry}`);
    }
  });

  it('do the same when the monthly count fails, and still ask who it is', async () => {
    const monthly = { count: () => Promise.reject(new Error('down')), flush: () => Promise.resolve() };
    await open({ monthly });
    assert.equal((await ask('/validate', 'application')).status, 200);
    assert.equal((await ask('/validate', 'nobody')).status, 401);
    assert.equal((await ask('/sites', 'owner')).status, 503);
  });

  it('do not let through when the plan has no requests left this month, but for renewals', async () => {
    const used = new LicetError('too-many', 'MONTHLY_REQUESTS_USED', 'Used up.', { retryAfterSeconds: 60 });
    await open({ monthly: { count: () => Promise.reject(used), flush: () => Promise.resolve() } });
    const { status, retry } = await ask('/validate', 'application');
    assert.deepEqual([status, retry], [429, '60']);
    assert.equal((await ask('/renew', 'application')).status, 200);
  });

  it('never write a token into the log, not even when a handler fails', async () => {
    await open();
    assert.equal((await ask('/fails', CANARY)).status, 500);
    await ask(`/fails`, `${CANARY}x`);
    await ask(`/sites?token=${CANARY}`, 'owner');
    const lines = JSON.stringify(served.lines);
    assert.ok(lines.length > 100);
    assert.ok(!lines.includes(CANARY));
    assert.ok(!lines.includes(CANARY.slice(15)));
  });
});

const ignore = (): void => undefined;
