import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { requireTool } from '@licet/checks';
import { decodeCertificate, decodePem, encodePem, toHex } from '@licet/format';
import { exportJWK, SignJWT } from 'jose';
import { Provider } from 'oidc-provider';
import { trustRuleInput } from '../../licensing/identity/trust-rule.ts';
import { sql } from '../../persistence/database.ts';
import { run } from '../est/est-server.ts';
import { csrFor } from '../est/requests.ts';
import { openWorld, type World } from '../est/world.ts';
import { HostileIssuer, type Listening, listenTls, localCertificate, newKey } from './issuer.ts';

const AUDIENCE = 'https://licenses.acme.example';
const SCRIPT = resolve(import.meta.dirname, '../../../ops/ci/licet-ci.sh');
const CLI = resolve(import.meta.dirname, '../../../ops/cli/licet.js');

/** What the provider is to say of the build, as GitHub does of its own. */
type Build = Readonly<Record<string, string>>;
const BUILD: Build = { repository_id: '74', repository_owner_id: '1', repository_visibility: 'private' };

describe('Identities of builds', function () {
  this.timeout(60_000);
  let world: World;
  let provider: Listening;
  let cluster: HostileIssuer;
  let folder: string | undefined;
  let build = BUILD;
  before(async function () {
    requireTool(this, 'openssl', 'curl');
    const files = localCertificate();
    provider = await realProvider(files, () => build);
    cluster = await HostileIssuer.open(files);
    folder = mkdtempSync(join(tmpdir(), 'licet-issuer-'));
    const ca = join(folder, 'ca.pem');
    writeFileSync(ca, files.cert);
    world = await openWorld(this, { privateIssuers: ['localhost'], ca });
    await trust('one repository', { repository_id: ['74', '75'], repository_owner_id: ['1'] });
  });
  after(async () => {
    await world?.close();
    await provider?.close();
    await cluster?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });
  beforeEach(() => (build = BUILD));

  /** An access token of a real OpenID provider, as a JWT for one audience. */
  async function token(): Promise<string> {
    const form = new URLSearchParams({ grant_type: 'client_credentials', resource: AUDIENCE, scope: 'build' });
    const ran = await run('curl', ['-sSk', '-u', 'build:secret', '-d', form.toString(), `${provider.url}/token`]);
    return (JSON.parse(ran.out) as { access_token: string }).access_token;
  }

  async function trust(name: string, conditions: Record<string, string[]>, more: object = {}): Promise<string> {
    const { contract } = world.globex;
    const wanted = { name, contract: contract.id, mode: 'development', issuer: provider.url, audience: AUDIENCE };
    const body = JSON.stringify({ ...wanted, conditions, siteClaim: 'repository_id', ...more });
    const token = ['-H', `Authorization: Bearer ${world.apiToken}`, '-H', 'Content-Type: application/json'];
    const url = `${world.base}/api/v1/trust-rules`;
    const ran = await run('curl', [
      '-sS',
      '--fail-with-body',
      '--cacert',
      world.at('root.pem'),
      ...token,
      '-d',
      body,
      url,
    ]);
    assert.equal(ran.code, 0, ran.out);
    return (JSON.parse(ran.out) as { id: string }).id;
  }

  type Answer = { serial?: string; site: string; license: string; notAfter: string; code: string; detail: string };
  async function exchange(identity: string, csr = encodePem('CERTIFICATE REQUEST', csrFor()), organization = 'acme') {
    const body = JSON.stringify({ organization, token: identity, csr });
    const options = ['-H', 'Content-Type: application/json', '--data-binary', '@-', '-w', '\n%{http_code}'];
    const url = `${world.base}/api/v1/identities/exchange`;
    const ran = await run('curl', ['-sS', '--cacert', world.at('root.pem'), ...options, url], { input: body });
    const [, text = '', status] = /^([^]*)\n(\d+)$/.exec(ran.out) ?? [];
    return { status: Number(status), body: JSON.parse(text) as Answer };
  }
  const isRefused = ({ status, body }: Awaited<ReturnType<typeof exchange>>, code: string) =>
    assert.equal(`${status} ${body.code}`, code, body.detail);

  const call = async (args: string[], env: NodeJS.ProcessEnv = {}) =>
    run('sh', [SCRIPT, ...args], {
      env: {
        LICET_URL: world.base,
        LICET_ORGANIZATION: 'acme',
        LICET_ROOT: world.at('root.pem'),
        LICET_DIR: world.at('ci'),
        LICET_VERIFY: `${process.execPath} ${CLI} verify`,
        ...env,
      },
    });

  it('a token of a real OpenID provider becomes a license of two hours', async () => {
    const { status, body } = await exchange(await token());
    assert.equal(status, 201, body.detail);
    assert.match(body.site, /^ci-74-[0-9a-f]{6}$/);
    const [leaf] = decodePem(body.license, 'CERTIFICATE').map(({ bytes }) => decodeCertificate(bytes));
    assert.equal(toHex(leaf!.serial), body.serial);
    const hours = (leaf!.notAfter.getTime() - Date.now()) / 3_600_000;
    assert.ok(hours > 1.9 && hours <= 2, `it lives ${hours} hours`);
  });

  it('is used once: again with the same request it gets the same license, with another none', async () => {
    const identity = await token();
    const csr = encodePem('CERTIFICATE REQUEST', csrFor());
    const first = await exchange(identity, csr);
    assert.equal((await exchange(identity, csr)).body.license, first.body.license);
    isRefused(await exchange(identity), '403 IDENTITY_USED');
  });

  it('twenty builds at once: twenty licenses of one site', async () => {
    build = { ...BUILD, repository_id: '75' };
    const tokens = await Promise.all(Array.from({ length: 20 }, () => token()));
    const answers = await Promise.all(tokens.map((one) => exchange(one)));
    assert.deepEqual(
      [...new Set(answers.map(({ status }) => status))],
      [201],
      answers.find(({ status }) => status !== 201)?.body.detail,
    );
    assert.equal(new Set(answers.map(({ body }) => body.serial)).size, 20);
    assert.equal(new Set(answers.map(({ body }) => body.site)).size, 1);
  });

  for (const [what, change] of [
    ['another repository', { repository_id: '99' }],
    ['a repository that changed hands', { repository_owner_id: '666' }],
    ['a repository that says nothing of itself', { repository_id: undefined }],
    ['a list of repositories', { repository_id: ['74'] }],
  ] as unknown as [string, Partial<Build>][]) {
    it(`refuses ${what}`, async () => {
      build = { ...BUILD, ...change } as Build;
      isRefused(await exchange(await token()), '403 IDENTITY_NOT_TRUSTED');
    });
  }
  it('refuses an issuer that no rule names, also for another organization', async () => {
    isRefused(await exchange(await token(), undefined, 'initech'), '403 IDENTITY_ISSUER_UNKNOWN');
  });
  it('refuses a request that is not signed by its own key, and the token is not lost by it', async () => {
    const identity = await token();
    const forged = Uint8Array.from(csrFor());
    forged[forged.length - 1]! ^= 1;
    isRefused(await exchange(identity, encodePem('CERTIFICATE REQUEST', forged)), '400 CSR_SIGNATURE');
    assert.equal((await exchange(identity)).status, 201);
  });
  it('the community gets licenses when the organization says so, and only for public repositories', async () => {
    build = { ...BUILD, repository_id: '1000', repository_visibility: 'public' };
    isRefused(await exchange(await token()), '403 IDENTITY_NOT_TRUSTED');
    const rule = await trust('community', { repository_visibility: ['public'] });
    assert.equal((await exchange(await token())).status, 201);
    build = { ...build, repository_visibility: 'private' };
    isRefused(await exchange(await token()), '403 IDENTITY_NOT_TRUSTED');
    build = { ...build, repository_visibility: 'public' };
    const off = ['-X', 'PUT', '-H', `Authorization: Bearer ${world.apiToken}`, '-H', 'Content-Type: application/json'];
    const url = `${world.base}/api/v1/trust-rules/${rule}/status`;
    await run('curl', ['-sS', '--cacert', world.at('root.pem'), ...off, '-d', '{"status":"off"}', url]);
    isRefused(await exchange(await token()), '403 IDENTITY_NOT_TRUSTED');
  });
  it('a rule that trusts everybody of an issuer is no rule', () => {
    const rule = {
      name: 'all',
      contract: 'c',
      mode: 'development',
      issuer: provider.url,
      audience: AUDIENCE,
      siteClaim: 'repository_id',
    };
    for (const conditions of [{}, { ref: ['refs/heads/main'] }, { repository_visibility: ['public', 'private'] }]) {
      assert.equal(trustRuleInput.safeParse({ ...rule, conditions }).success, false);
    }
  });
  it('a job of GitLab gets one by its project, whatever that is called', async () => {
    build = { project_id: '22', namespace_id: '72', project_path: 'octo/app', ref_protected: 'true' };
    isRefused(await exchange(await token()), '403 IDENTITY_NOT_TRUSTED');
    await trust(
      'gitlab',
      { project_id: ['22'], namespace_id: ['72'], ref_protected: ['true'] },
      { siteClaim: 'project_id' },
    );
    const { status, body } = await exchange(await token());
    assert.equal(status, 201, body.detail);
    assert.match(body.site, /^ci-22-/);
    build = { ...build, ref_protected: 'false' };
    isRefused(await exchange(await token()), '403 IDENTITY_NOT_TRUSTED');
  });
  it('a service account of Kubernetes gets one by its uid; its one audience stands in a list', async () => {
    const key = await newKey('cluster', 'RS256');
    cluster.keys = [key.jwk];
    let number = 0;
    const serviceAccount = (uid: string, aud: string | string[]) => {
      const iat = Math.floor(Date.now() / 1000);
      const account = { namespace: 'shop', serviceaccount: { name: 'press', uid } };
      const claims = { 'kubernetes.io': account, sub: 'system:serviceaccount:shop:press', jti: `pod-${(number += 1)}` };
      return new SignJWT({ ...claims, iss: cluster.url, aud, iat, nbf: iat, exp: iat + 600 })
        .setProtectedHeader({ alg: 'RS256', kid: 'cluster' })
        .sign(key.privateKey);
    };
    const uid = '/kubernetes.io/serviceaccount/uid';
    await trust('cluster', { [uid]: ['0b1c-1'] }, { issuer: cluster.url, siteClaim: uid });
    const { status, body } = await exchange(await serviceAccount('0b1c-1', [AUDIENCE]));
    assert.equal(status, 201, body.detail);
    isRefused(await exchange(await serviceAccount('0b1c-2', [AUDIENCE])), '403 IDENTITY_NOT_TRUSTED');
    isRefused(
      await exchange(await serviceAccount('0b1c-1', [AUDIENCE, 'https://kubernetes.default.svc'])),
      '403 IDENTITY_AUDIENCE',
    );
    const file = world.at('token');
    writeFileSync(file, `${await serviceAccount('0b1c-1', [AUDIENCE])}\n`);
    const made = await call(['request'], { LICET_ID_TOKEN_FILE: file, LICET_DIR: world.at('pod') });
    assert.equal(made.code, 0, `${made.out}${made.err}`);
    assert.equal(readFileSync(world.at('pod/env'), 'utf8').split('\n')[0], `LICET_LICENSE=${world.at('pod/site.lic')}`);
  });
  it('used tokens are forgotten when they have expired', async () => {
    await exchange(await token());
    await world.database.run('platform', (tx) => sql(tx).query(`update used_identities set expires_at = '2020-01-01'`));
    const [prune] = world.jobs.filter(({ name }) => name === 'prune-used-identities');
    await prune!.run({ slot: new Date(), signal: new AbortController().signal, assertHeld: async () => {} });
    const left = await world.database.run('platform', (tx) => sql(tx).query('select 1 from used_identities'));
    assert.equal(left.length, 0);
  });

  describe('ops/ci/licet-ci.sh', () => {
    it('requests, verifies, tells the later steps, and seals for builds without a network', async () => {
      const LICET_SEAL_KEY = 'a secret of the repository, 32 or more';
      const made = await call(['request'], { LICET_ID_TOKEN: await token(), GITHUB_ENV: world.at('env') });
      assert.equal(made.code, 0, `${made.out}${made.err}`);
      assert.match(readFileSync(world.at('env'), 'utf8'), /^LICET_LICENSE=.*site\.lic\nLICET_KEY=.*site\.key\n$/);
      assert.equal((await call(['seal', world.at('sealed')], { LICET_SEAL_KEY })).code, 0);
      assert.equal(readFileSync(world.at('sealed'), 'latin1').includes('PRIVATE KEY'), false);
      const opened = await call(['open', world.at('sealed')], { LICET_SEAL_KEY, LICET_DIR: world.at('offline') });
      assert.equal(opened.code, 0, `${opened.out}${opened.err}`);
      assert.equal(readFileSync(world.at('offline/site.lic'), 'utf8'), readFileSync(world.at('ci/site.lic'), 'utf8'));
      const other = await call(['open', world.at('sealed')], {
        LICET_SEAL_KEY: 'x'.repeat(32),
        LICET_DIR: world.at('no'),
      });
      assert.equal(other.code, 4);
      assert.match((await call(['seal', world.at('sealed')], { LICET_SEAL_KEY: 'short' })).err, /fewer than 32/);
    });
    it('says in one sentence why there is no license, and leaves nothing half-written', async () => {
      const refused = await call(['request'], { LICET_ID_TOKEN: 'aaa.bbb.ccc', LICET_DIR: world.at('none') });
      assert.equal(refused.code, 1);
      assert.match(refused.err, /^licet-ci: This is no identity token; send a signed JWT\. \(IDENTITY_MALFORMED\)\n$/);
      assert.equal(existsSync(world.at('none/site.key')), false);
      assert.equal((await call(['request'])).code, 2);
      assert.equal((await call(['nonsense'])).code, 2);
    });
  });
});

/** oidc-provider, with client credentials: its JWTs name one audience, a jti, and what we say of the build. */
async function realProvider(files: { cert: string; key: string }, build: () => Build): Promise<Listening> {
  const held: { answer?: Parameters<typeof listenTls>[1] } = {};
  const listening = await listenTls(files, (request, response) => held.answer?.(request, response));
  const { privateKey } = await newKey('provider');
  const jwk = { ...(await exportJWK(privateKey)), kid: 'provider', alg: 'ES256', use: 'sig' };
  const oidc = new Provider(listening.url, {
    clients: [
      {
        client_id: 'build',
        client_secret: 'secret',
        id_token_signed_response_alg: 'ES256',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: { keys: [jwk] },
    scopes: ['build'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context: unknown, resource: string) => ({
          scope: 'build',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    extraTokenClaims: () => build(),
  });
  held.answer = oidc.callback();
  return listening;
}
