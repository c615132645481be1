import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { decodeCertificate, decodePem, encodePem, toBase64, toHex } from '@licet/format';
import { TrustAnchors, verifyLicense } from '@licet/verify';
import { SignJWT } from 'jose';
import { trustRuleInput } from '../../licensing/identity/trust-rule.ts';
import { updateSite } from '../../licensing/sites/update-site.ts';
import { OWNER } from '../../licensing/test/office.ts';
import { sql } from '../../persistence/database.ts';
import { run } from '../est/est-server.ts';
import { csrFor, newKeys } from '../est/requests.ts';
import { contractOf, type World } from '../est/world.ts';
import { AUDIENCE, type Build, BUILD, BuildWorld } from './build-world.ts';
import { HostileIssuer, newKey } from './issuer.ts';

const SCRIPT = resolve(import.meta.dirname, '../../../ops/ci/licet-ci.sh');

describe('Identities of builds', function () {
  this.timeout(60_000);
  let builds: BuildWorld;
  let world: World;
  let cluster: HostileIssuer;
  before(async function () {
    builds = await BuildWorld.open(this);
    ({ world } = builds);
    cluster = await HostileIssuer.open(builds.files);
  });
  after(async () => {
    await builds?.close();
    await cluster?.close();
  });
  beforeEach(() => (builds.build = BUILD));

  const token = () => builds.token();
  const trust: BuildWorld['trust'] = (...rule) => builds.trust(...rule);

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

  it('a token of a real OpenID provider becomes a license of two hours', async () => {
    const { status, body } = await exchange(await token());
    assert.equal(status, 201, body.detail);
    assert.match(body.site, /^ci-74-[0-9a-f]{6}$/);
    const [leaf] = decodePem(body.license, 'CERTIFICATE').map(({ bytes }) => decodeCertificate(bytes));
    assert.equal(toHex(leaf!.serial), body.serial);
    const hours = (leaf!.notAfter.getTime() - Date.now()) / 3_600_000;
    assert.ok(hours > 1.9 && hours <= 2, `it lives ${hours} hours`);
  });

  it('ends when its hours are over: there is no grace, and no renewal that makes it longer', async () => {
    const keys = newKeys();
    const { body } = await exchange(await token(), encodePem('CERTIFICATE REQUEST', csrFor({ keys })));
    const anchors = TrustAnchors.fromPem(readFileSync(world.at('root.pem'), 'utf8'));
    const at = (seconds: number) => new Date(Date.parse(body.notAfter) + seconds * 1000);
    assert.equal((await verifyLicense(body.license, { anchors, at: at(-60) })).usable, true);
    assert.equal((await verifyLicense(body.license, { anchors, at: at(60) })).usable, false);
    writeFileSync(world.at('build.lic'), body.license);
    writeFileSync(world.at('build.key'), keys.privateKey.export({ type: 'pkcs8', format: 'pem' }));
    const tls = ['--cacert', world.at('root.pem'), '--cert', world.at('build.lic'), '--key', world.at('build.key')];
    const post = ['-H', 'Content-Type: application/pkcs10', '--data-binary', '@-'];
    for (const operation of ['simplereenroll', 'simpleenroll']) {
      const url = `${world.base}/.well-known/est/${operation}`;
      const ran = await run('curl', ['-sS', ...tls, ...post, url], { input: toBase64(csrFor({ names: [] })) });
      assert.match(ran.out, /^A license of a build or workload is not renewed; .*\n\(LICENSE_NOT_RENEWED/);
    }
  });

  it('is used once: again with the same request it gets the same license, with another none', async () => {
    const identity = await token();
    const csr = encodePem('CERTIFICATE REQUEST', csrFor());
    const first = await exchange(identity, csr);
    assert.equal((await exchange(identity, csr)).body.license, first.body.license);
    isRefused(await exchange(identity), '403 IDENTITY_USED');
  });

  it('is not used up, and makes no site, while the database is old', async () => {
    builds.build = { ...BUILD, repository_id: '75' };
    const identity = await token();
    const sites = () =>
      world.database.run('platform', async (tx) => (await sql(tx).query('select id from sites', [])).length);
    const before = await sites();
    world.authority.fence.close('Something is missing.');
    const refused = await exchange(identity);
    world.authority.fence.open();
    isRefused(refused, '503 FENCED');
    assert.equal(await sites(), before);
    assert.equal((await exchange(identity)).status, 201);
    assert.equal(await sites(), before + 1);
  });

  it('twenty builds at once: twenty licenses of one site', async () => {
    builds.build = { ...BUILD, repository_id: '75' };
    const tokens = await Promise.all(Array.from({ length: 20 }, () => token()));
    const answers = await Promise.all(tokens.map((one) => exchange(one)));
    assert.deepEqual(
      [...new Set(answers.map(({ status }) => status))],
      [201],
      answers.find(({ status }) => status !== 201)?.body.detail,
    );
    assert.equal(new Set(answers.map(({ body }) => body.serial)).size, 20);
    assert.equal(new Set(answers.map(({ body }) => body.site)).size, 1);
    // Who is told of licenses can tell them from those of an installation.
    const told = await world.database.run('platform', (tx) =>
      sql(tx).query(
        `select payload ->> 'kind' as kind from outbox_events
          where type = 'license.issued' and payload ->> 'serial' = any($1::text[])`,
        [answers.map(({ body }) => body.serial)],
      ),
    );
    assert.deepEqual(
      told,
      answers.map(() => ({ kind: 'build' })),
    );
  });

  it('a build for development and one for production have sites of their own, whichever came first', async () => {
    const conditions = (ref: string) => ({ repository_id: ['76'], ref: [ref] });
    await trust('pull requests', conditions('pull'));
    await trust('releases', conditions('release'), { mode: 'production' });
    const modes = async (ref: string) => {
      builds.build = { ...BUILD, repository_id: '76', ref };
      const { body } = await exchange(await token());
      const anchors = TrustAnchors.fromPem(readFileSync(world.at('root.pem'), 'utf8'));
      return { site: body.site, mode: (await verifyLicense(body.license, { anchors, at: new Date() })).mode };
    };
    const [release, pull, again] = [await modes('release'), await modes('pull'), await modes('release')];
    assert.deepEqual([release.mode, pull.mode], ['production', 'development']);
    assert.notEqual(release.site, pull.site);
    assert.deepEqual(again, release);
  });

  it('a site that was moved to another mode or contract than the rule gives nothing, and says how that is settled', async () => {
    builds.build = { ...BUILD, repository_id: '77' };
    await trust('moved', { repository_id: ['77'] });
    const { site: name } = (await exchange(await token())).body;
    const { deps, globex } = world;
    const { items } = await deps.transactions.run({ organization: 'acme' }, (tx) =>
      deps.stores.sites.list(tx, { where: { enterprise: globex.enterprise.id, name }, limit: 1 }),
    );
    const { id } = items[0]!;
    const { id: other } = await contractOf(deps, globex.enterprise, 'C-other');
    const back = { mode: 'development', contract: globex.contract.id } as const;
    for (const [what, to] of [
      ['mode', 'production'],
      ['contract', other],
    ] as const) {
      await updateSite(deps)(OWNER, { id, [what]: to });
      const refused = await exchange(await token());
      isRefused(refused, `403 IDENTITY_${what.toUpperCase()}`);
      assert.ok(refused.body.detail.endsWith(`licet site change ${id} --${what} ${back[what]}`), refused.body.detail);
      await updateSite(deps)(OWNER, { id, [what]: back[what] });
    }
    assert.equal((await exchange(await token())).status, 201);
  });

  for (const [what, change] of [
    ['another repository', { repository_id: '99' }],
    ['a repository that changed hands', { repository_owner_id: '666' }],
    ['a repository that says nothing of itself', { repository_id: undefined }],
    ['a list of repositories', { repository_id: ['74'] }],
  ] as unknown as [string, Partial<Build>][]) {
    it(`refuses ${what}`, async () => {
      builds.build = { ...BUILD, ...change } as Build;
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
    builds.build = { ...BUILD, repository_id: '1000', repository_visibility: 'public' };
    isRefused(await exchange(await token()), '403 IDENTITY_NOT_TRUSTED');
    const rule = await trust('community', { repository_visibility: ['public'] });
    assert.equal((await exchange(await token())).status, 201);
    builds.build = { ...builds.build, repository_visibility: 'private' };
    isRefused(await exchange(await token()), '403 IDENTITY_NOT_TRUSTED');
    builds.build = { ...builds.build, repository_visibility: 'public' };
    const off = ['-X', 'PUT', '-H', `Authorization: Bearer ${world.apiToken}`, '-H', 'Content-Type: application/json'];
    const url = `${world.base}/api/v1/trust-rules/${rule}/status`;
    await run('curl', ['-sS', '--cacert', world.at('root.pem'), ...off, '-d', '{"status":"off"}', url]);
    isRefused(await exchange(await token()), '403 IDENTITY_NOT_TRUSTED');
  });
  it('refuses an issuer with a NUL in its name, which no text of the database can hold', async () => {
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
    const odd = `${part({ alg: 'ES256' })}.${part({ iss: 'https://evil\0.example' })}.AAAA`;
    isRefused(await exchange(odd), '403 IDENTITY_MALFORMED');
  });
  it('a rule that trusts everybody of an issuer is no rule', () => {
    const rule = {
      name: 'all',
      contract: 'c',
      mode: 'development',
      issuer: builds.provider.url,
      audience: AUDIENCE,
      siteClaim: 'repository_id',
    };
    // Every repository can call a public workflow, and its token says so.
    const called = { job_workflow_ref: ['octo/builds/.github/workflows/build.yml@refs/heads/main'] };
    const isRule = (conditions: object) => trustRuleInput.safeParse({ ...rule, conditions }).success;
    for (const conditions of [
      {},
      { ref: ['refs/heads/main'] },
      { repository_visibility: ['public', 'private'] },
      called,
    ]) {
      assert.equal(isRule(conditions), false, JSON.stringify(conditions));
    }
    assert.equal(isRule({ ...called, repository_owner_id: ['1'] }), true);
  });
  it('a job of GitLab gets one by its project, whatever that is called', async () => {
    builds.build = { project_id: '22', namespace_id: '72', project_path: 'octo/app', ref_protected: 'true' };
    isRefused(await exchange(await token()), '403 IDENTITY_NOT_TRUSTED');
    await trust(
      'gitlab',
      { project_id: ['22'], namespace_id: ['72'], ref_protected: ['true'] },
      { siteClaim: 'project_id' },
    );
    const { status, body } = await exchange(await token());
    assert.equal(status, 201, body.detail);
    assert.match(body.site, /^ci-22-/);
    builds.build = { ...builds.build, ref_protected: 'false' };
    isRefused(await exchange(await token()), '403 IDENTITY_NOT_TRUSTED');
  });
  it('a service account of Kubernetes gets one by its uid; its one audience stands in a list', async () => {
    const key = await newKey('cluster', 'RS256');
    cluster.keys = [key.jwk];
    let number = 0;
    const serviceAccount = (uid: string, aud: string | string[], name = 'press') => {
      const iat = Math.floor(Date.now() / 1000);
      const account = { namespace: 'shop', serviceaccount: { name, uid } };
      const claims = {
        'kubernetes.io': account,
        sub: `system:serviceaccount:shop:${name}`,
        jti: `pod-${(number += 1)}`,
      };
      return new SignJWT({ ...claims, iss: cluster.url, aud, iat, nbf: iat, exp: iat + 600 })
        .setProtectedHeader({ alg: 'RS256', kid: 'cluster' })
        .sign(key.privateKey);
    };
    // By its whole `sub`, too.
    const sub = 'system:serviceaccount:shop:clerk';
    await trust('by name', { sub: [sub] }, { issuer: cluster.url, siteClaim: 'sub' });
    const clerk = await exchange(await serviceAccount('0b1c-0', [AUDIENCE], 'clerk'));
    assert.equal(clerk.status, 201, clerk.body.detail);
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
    const env = { LICET_URL: world.base, LICET_ORGANIZATION: 'acme', LICET_ROOT: world.at('root.pem') };
    const pod = { ...env, LICET_ID_TOKEN_FILE: file, LICET_DIR: world.at('pod') };
    const made = await run('sh', [SCRIPT, 'request'], { env: pod });
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
});
