import assert from 'node:assert/strict';
import type { RequestListener } from 'node:http';
import { request } from 'node:https';
import { requireTool } from '@licet/checks';
import { exportJWK } from 'jose';
import { createAuthenticator } from '../../licensing/access/authenticate.ts';
import { beginExternal, type ExternalDeps, finishExternal, type Returned } from '../../licensing/access/external.ts';
import { invitePerson } from '../../licensing/access/people.ts';
import { addProvider, type NewProvider } from '../../licensing/access/providers.ts';
import { sessionEndpoints } from '../../http/api/sessions.ts';
import type { LicetError } from '../../licensing/errors.ts';
import { createIdentityProviders } from '../../http/access/oidc/providers.ts';
import { fetchJson, type FetchGuard } from '../../http/identity/guarded-fetch.ts';
import type { Log } from '../../log/log.ts';
import {
  accessDeps,
  addOrganization,
  hasCode,
  inside,
  owner,
  type TestAccess,
} from '../../persistence/access/test/access.ts';
import { sql } from '../../persistence/transactions.ts';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import {
  HostileIssuer,
  type Listening,
  listenTls,
  localCertificate,
  newKey,
  type TlsFiles,
} from '../identity/issuer.ts';

const REDIRECT = 'https://licet.example/api/v1/sessions/return';
const SECRET = 'a client secret: with & signs/+';

/** What we use of oidc-provider, which brings no types. */
type ProviderModule = { default: new (issuer: string, configuration: object) => { callback(): RequestListener } };

const accounts: Record<string, object> = {
  ann: { email: 'ann@example.org', email_verified: true },
  mallory: { email: 'victim@example.org', email_verified: false },
};

async function openProvider(files: TlsFiles): Promise<Listening> {
  const held: { handle?: RequestListener } = {};
  const listening = await listenTls(files, (incoming, response) => held.handle?.(incoming, response));
  const name: string = 'oidc-provider';
  const { default: Provider } = (await import(name)) as ProviderModule;
  const client = { client_id: 'licet', client_secret: SECRET, redirect_uris: [REDIRECT], response_types: ['code'] };
  const provider = new Provider(listening.url, {
    clients: [client],
    cookies: { keys: ['for this test only'] },
    pkce: { required: () => true },
    claims: { email: ['email', 'email_verified'] },
    conformIdTokenClaims: false,
    jwks: { keys: [{ ...(await exportJWK((await newKey('provider', 'RS256')).privateKey)), kid: 'provider' }] },
    ttl: { Interaction: 600, Session: 600, Grant: 600, AccessToken: 600, IdToken: 600 },
    findAccount: (_context: unknown, id: string) => ({ accountId: id, claims: () => ({ sub: id, ...accounts[id] }) }),
  });
  held.handle = provider.callback();
  return listening;
}

/** As much of a browser as it takes: cookies, redirects, and the two forms of the provider. */
class Browser {
  readonly #ca: string;
  readonly #cookies = new Map<string, string>();
  constructor(ca: string) {
    this.#ca = ca;
  }

  async signIn(address: string, login: string): Promise<URL> {
    let next = await this.#ask(address);
    for (let step = 0; step < 12; step++) {
      if (next.location?.startsWith(REDIRECT)) return new URL(next.location);
      if (next.location !== undefined) next = await this.#ask(next.location);
      else {
        const prompt = /name="prompt" value="(\w+)"/.exec(next.body)?.[1] ?? 'none';
        next = await this.#ask(next.url, new URLSearchParams({ prompt, login, password: 'any' }));
      }
    }
    throw new Error(`No way back from ${next.url}: ${next.body}`);
  }

  #ask(address: string, form?: URLSearchParams): Promise<{ url: string; location: string | undefined; body: string }> {
    const cookie = [...this.#cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const type = form && { 'content-type': 'application/x-www-form-urlencoded' };
    const options = { ca: this.#ca, method: form ? 'POST' : 'GET', headers: { cookie, ...type }, agent: false };
    return new Promise((resolve, reject) => {
      const asked = request(address, options, (response) => {
        for (const set of response.headers['set-cookie'] ?? []) {
          const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(set) ?? [];
          this.#cookies.set(name, value);
        }
        const { location } = response.headers;
        let body = '';
        response.on('data', (data: Buffer) => (body += data.toString()));
        response.on('end', () =>
          resolve({ url: address, location: location && new URL(location, address).href, body }),
        );
      });
      asked.once('error', reject);
      asked.end(form?.toString());
    });
  }
}

describe('Signing in by a provider', () => {
  let database: TestDatabase;
  let deps: TestAccess & ExternalDeps;
  let provider: Listening;
  let files: TlsFiles;
  let hostile: HostileIssuer;
  const lines: string[] = [];

  before(async function () {
    requireTool(this, 'openssl');
    database = await testDatabase(this);
    files = localCertificate();
    [provider, hostile] = await Promise.all([openProvider(files), HostileIssuer.open(files)]);
    const guard: FetchGuard = { privateHosts: ['localhost'], ca: files.cert, timeoutMs: 2000, mostBytes: 100_000 };
    const note = (...parts: unknown[]) => void lines.push(JSON.stringify(parts, errorText));
    const log = { debug: note, info: note, warn: note, error: note } as unknown as Log;
    const base = accessDeps(database);
    // The provider has the real time, so this server has it too.
    base.clock.set(new Date());
    const providers = createIdentityProviders({
      fetchJson: (url, form) => fetchJson(url, guard, form),
      clock: base.clock,
      log,
    });
    deps = { ...base, providers, issuers: [provider.url, hostile.url] };
    await addOrganization(deps, 'acme');
    for (const [name, issuer] of [
      ['corp', provider.url],
      ['hostile', hostile.url],
    ] as const) {
      await add({ name, issuer });
    }
  });
  after(async () => {
    await Promise.all([provider?.close(), hostile?.close(), database?.close()]);
  });

  const add = (more: Partial<NewProvider>) =>
    inside(deps, 'acme', (tx) =>
      addProvider(deps, tx, owner('acme'), {
        name: 'corp',
        issuer: provider.url,
        clientId: 'licet',
        clientSecret: SECRET,
        algorithms: ['RS256'],
        trustsEmail: true,
        ...more,
      }),
    );

  const invite = (email: string) =>
    inside(deps, 'acme', (tx) => invitePerson(deps, tx, owner('acme'), { email, name: 'Ann', roles: ['operator'] }));

  const begin = (name = 'corp') => beginExternal(deps, { organization: 'acme', provider: name, redirectUri: REDIRECT });

  /** To the provider and back. */
  async function roundTrip(login: string): Promise<Returned> {
    const { url, browser } = await begin();
    const back = await new Browser(files.cert).signIn(url, login);
    const read = (name: string): string => back.searchParams.get(name) ?? '';
    return { state: read('state'), code: read('code'), iss: read('iss'), browser, redirectUri: REDIRECT };
  }

  it('lets in who was invited, and knows them again by their subject', async () => {
    await invite('ann@example.org');
    const tokens = await finishExternal(deps, await roundTrip('ann'));
    const { principal } = await createAuthenticator(deps).bearer(tokens.accessToken);
    assert.deepEqual(principal.roles, ['operator']);
    accounts['ann'] = { email: 'other@example.org', email_verified: false };
    const again = await finishExternal(deps, await roundTrip('ann'));
    assert.equal((await createAuthenticator(deps).bearer(again.accessToken)).principal.id, principal.id);
  });

  it('does not let in who was not invited, nor by an address that is not verified', async () => {
    await invite('victim@example.org');
    await assert.rejects(finishExternal(deps, await roundTrip('stranger')), hasCode('SIGN_IN_REFUSED'));
    await assert.rejects(finishExternal(deps, await roundTrip('mallory')), hasCode('SIGN_IN_REFUSED'));
  });

  it('takes an answer once, from the browser that was sent, and from the provider that was asked', async () => {
    const returned = await roundTrip('ann');
    await finishExternal(deps, returned);
    await assert.rejects(finishExternal(deps, returned), hasCode('SIGN_IN_REFUSED'));
    const { browser } = await begin();
    await assert.rejects(finishExternal(deps, { ...(await roundTrip('ann')), browser }), hasCode('SIGN_IN_REFUSED'));
    const elsewhere = { ...(await roundTrip('ann')), iss: 'https://evil.example' };
    await assert.rejects(finishExternal(deps, elsewhere), hasCode('SIGN_IN_REFUSED'));
    await assert.rejects(finishExternal(deps, { ...returned, state: 'x' }), hasCode('SIGN_IN_REFUSED'));
  });

  it('takes no code of another sign-in, because PKCE and nonce are of this one', async () => {
    const [one, other] = [await roundTrip('ann'), await roundTrip('ann')];
    const mixed = finishExternal(deps, { ...one, code: other.code });
    await assert.rejects(mixed, hasCode('PROVIDER_REFUSED'));
  });

  it('takes no answer after ten minutes', async () => {
    const returned = await roundTrip('ann');
    deps.clock.advance(10 * 60_000);
    await assert.rejects(finishExternal(deps, returned), hasCode('SIGN_IN_REFUSED'));
    deps.clock.set(new Date());
  });

  it('is not asked, and not believed, once its issuer is not allowed on this server any more', async () => {
    const returned = await roundTrip('ann');
    const without = { ...deps, issuers: ['https://elsewhere.example'] };
    const begun = beginExternal(without, { organization: 'acme', provider: 'corp', redirectUri: REDIRECT });
    await assert.rejects(begun, hasCode('PROVIDER_NOT_FOUND'));
    await assert.rejects(finishExternal(without, returned), hasCode('SIGN_IN_REFUSED'));
  });

  it('says the same of an unknown organization and an unknown provider', async () => {
    for (const [organization, name] of [
      ['acme', 'nobody'],
      ['nobody', 'corp'],
      ["a'b", 'corp'],
      ['acme', '\0'],
    ] as const) {
      const begun = beginExternal(deps, { organization, provider: name, redirectUri: REDIRECT });
      await assert.rejects(begun, hasCode('PROVIDER_NOT_FOUND'));
    }
  });

  for (const [what, spoil] of Object.entries<(document: Record<string, unknown>) => unknown>({
    'speaks for another issuer': (document) => ({ ...document, issuer: 'https://evil.example' }),
    'has a token endpoint without TLS': (document) => ({ ...document, token_endpoint: 'http://localhost/token' }),
    'names no endpoints': (document) => ({ issuer: document['issuer'] }),
    'is no object': () => 'a text',
  })) {
    it(`is unavailable when the provider's description ${what}`, async () => {
      const full = { authorization_endpoint: `${hostile.url}/auth`, token_endpoint: `${hostile.url}/token` };
      hostile.discovery = (document) => spoil({ ...document, ...full });
      await assert.rejects(begin('hostile'), hasCode('PROVIDER_UNAVAILABLE'));
    });
  }

  it('never follows an endpoint to where nobody may reach from outside', async () => {
    const inner = { authorization_endpoint: `${hostile.url}/auth`, token_endpoint: 'https://169.254.169.254/token' };
    hostile.discovery = (document) => ({ ...document, ...inner });
    const { url, browser } = await begin('hostile');
    const state = new URL(url).searchParams.get('state') ?? '';
    const finished = finishExternal(deps, { state, code: 'x', browser, redirectUri: REDIRECT });
    await assert.rejects(finished, hasCode('PROVIDER_REFUSED'));
    assert.ok(lines.some((line) => line.includes('no public address')));
  });

  it('asks for the description of a provider again that it read while the clock was ahead', async () => {
    const describe = (path: string) => {
      const endpoints = { authorization_endpoint: `${hostile.url}${path}`, token_endpoint: `${hostile.url}/token` };
      hostile.discovery = (document) => ({ ...document, ...endpoints });
    };
    const pathOf = async () => new URL((await begin('hostile')).url).pathname;
    deps.clock.advance(2 * 24 * 3_600_000);
    describe('/then');
    assert.equal(await pathOf(), '/then');
    deps.clock.set(new Date());
    describe('/now');
    assert.equal(await pathOf(), '/now');
  });

  it('says by a code of its document that the keys of a provider cannot be had', async () => {
    deps.clock.advance(11 * 60_000);
    const { url, browser } = await begin('hostile');
    const state = new URL(url).searchParams.get('state') ?? '';
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const token = `${part({ alg: 'RS256', kid: 'one' })}.${part({ iss: hostile.url })}.AAAA`;
    hostile.jwks = (asked, response) =>
      asked.url === '/token' ? response.end(JSON.stringify({ id_token: token })) : response.writeHead(500).end();
    const finished = finishExternal(deps, { state, code: 'x', browser, redirectUri: REDIRECT });
    const { code } = await finished.then(
      () => assert.fail('it is let in'),
      (error: LicetError) => error,
    );
    const endpoint = sessionEndpoints.find(({ operation }) => operation === 'finishProviderSignIn');
    assert.equal(endpoint?.refusals?.[code], 503, code);
    deps.clock.set(new Date());
  });

  for (const [what, bad] of Object.entries<Partial<NewProvider>>({
    'an issuer that is not on the list': { issuer: 'https://other.example' },
    'an issuer without TLS': { issuer: 'http://localhost:1234' },
    'an issuer with a query': { issuer: 'https://other.example/?x' },
    'no algorithm': { algorithms: [] },
    'a shared secret as algorithm': { algorithms: ['HS256'] },
    'no signature': { algorithms: ['none'] },
    'a name that is no name': { name: 'Ä' },
  })) {
    it(`is not set up with ${what}`, () => assert.rejects(add(bad), hasCode('PROVIDER_INVALID')));
  }

  it('leaves no secret in the log, the audit log, the events, or readable in the database', async () => {
    const rows = await deps.transactions.run('platform', async (tx) => {
      const texts: string[] = [];
      for (const table of ['audit_log', 'outbox_events', 'sign_in_providers', 'sign_ins', 'sessions']) {
        for (const { row } of await sql(tx).query<{ row: string }>(`select to_jsonb(t)::text as row from ${table} t`)) {
          texts.push(row);
        }
      }
      return texts.join('\n');
    });
    for (const canary of [SECRET, encodeURIComponent(SECRET), 'client secret', 'ann@example.org']) {
      assert.ok(!rows.includes(canary), `stored: ${canary}`);
      assert.ok(!lines.join('\n').includes(canary), `logged: ${canary}`);
    }
  });
});

const errorText = (_name: string, value: unknown): unknown =>
  value instanceof Error ? `${value.stack} ${errorText('', value.cause) as string}` : value;
