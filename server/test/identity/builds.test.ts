import assert from 'node:assert/strict';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { requireTool } from '@licet/checks';
import { decodeCertificate, decodePem } from '@licet/format';
import { TrustAnchors, verifyLicense } from '@licet/verify';
import { run } from '../est/est-server.ts';
import type { World } from '../est/world.ts';
import { AUDIENCE, BUILD, BuildWorld } from './build-world.ts';
import { foreignPath, type Job, runAction } from './composite-action.ts';
import { type Listening, listenTls } from './issuer.ts';

const OPS = resolve(import.meta.dirname, '../../../ops');
const SCRIPT = join(OPS, 'ci/licet-ci.sh');
const ACTION = join(OPS, 'github-action/action.yml');
const CLI = join(OPS, 'cli/licet.js');
const LICET_SEAL_KEY = 'a secret of the repository, 32 or more';

describe('What builds use', function () {
  this.timeout(60_000);
  let builds: BuildWorld;
  let world: World;
  before(async function () {
    builds = await BuildWorld.open(this);
    ({ world } = builds);
  });
  after(() => builds?.close());
  beforeEach(() => (builds.build = BUILD));

  const token = () => builds.token();
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
    const says = async (asks: ReturnType<typeof call>, exit: number, sentence: RegExp) => {
      const { code, err } = await asks;
      assert.match(err, sentence);
      assert.equal(code, exit, err);
    };
    it('says the reason of the server to its end, and says what it is when somebody else answers', async () => {
      const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
      const unknown = `${part({ alg: 'ES256' })}.${part({ iss: 'https://evil.example' })}.AAAA`;
      const trusts = /^licet-ci: No rule trusts the issuer "https:\/\/evil\.example"\. \(IDENTITY_ISSUER_UNKNOWN\)\n$/;
      await says(call(['request'], { LICET_ID_TOKEN: unknown }), 1, trusts);
      const proxy = await listenTls(builds.files, (_, response) => {
        response.writeHead(404, { 'content-type': 'text/html' }).end('<h1>Not here</h1>');
      });
      const there = { LICET_ID_TOKEN: 'a.b.c', LICET_URL: proxy.url, LICET_TLS_ROOT: builds.ca };
      await says(
        call(['request'], there),
        1,
        /answers with HTTP status 404 and no reason; is that the license server\?\n$/,
      );
      const stranger = { ...there, LICET_TLS_ROOT: world.at('root.pem') };
      await says(call(['request'], stranger), 3, /^licet-ci: the license server cannot be reached: curl: /);
      await proxy.close();
    });
    it('tells a CI system that cannot be reached from one that gives nothing', async () => {
      const gone = { ACTIONS_ID_TOKEN_REQUEST_URL: 'http://127.0.0.1:9/', ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'x' };
      await says(call(['request'], gone), 3, /the CI system gives no identity token/);
    });
    it('names what is missing', async () => {
      const none = { LICET_ROOT: world.at('no.pem'), LICET_ID_TOKEN: 'a.b.c' };
      await says(call(['request'], none), 2, /^licet-ci: LICET_ROOT names no file that can be read: .*no\.pem\n$/);
      const empty = { LICET_SEAL_KEY, LICET_DIR: world.at('empty') };
      await says(
        call(['seal', world.at('nothing')], empty),
        2,
        /^licet-ci: there is no license in .*; request one first/,
      );
      assert.equal(existsSync(world.at('nothing')), false);
    });
    it('keeps the license that is there until another one verifies', async () => {
      const LICET_DIR = world.at('kept');
      assert.equal((await call(['request'], { LICET_DIR, LICET_ID_TOKEN: await token() })).code, 0);
      assert.equal((await call(['seal', world.at('good')], { LICET_DIR, LICET_SEAL_KEY })).code, 0);
      const had = ['site.lic', 'site.key'].map((name) => readFileSync(join(LICET_DIR, name), 'utf8'));
      const never = { LICET_DIR, LICET_VERIFY: 'false' };
      await says(call(['request'], { ...never, LICET_ID_TOKEN: await token() }), 4, /the license does not verify/);
      await says(call(['open', world.at('good')], { ...never, LICET_SEAL_KEY }), 4, /the license does not verify/);
      assert.deepEqual(
        ['site.lic', 'site.key'].map((name) => readFileSync(join(LICET_DIR, name), 'utf8')),
        had,
      );
    });
    it('names files in a folder with blanks so that a shell and later steps find them', async () => {
      const LICET_DIR = world.at("a vendor's folder");
      const made = await call(['request'], { LICET_DIR, LICET_ID_TOKEN: await token(), GITHUB_ENV: world.at('later') });
      assert.equal(made.code, 0, made.err);
      const sourced = await run('sh', ['-c', '. "$1"; printf %s "$LICET_LICENSE"', 'sh', join(LICET_DIR, 'env')]);
      assert.equal(sourced.out, join(LICET_DIR, 'site.lic'));
      assert.ok(readFileSync(world.at('later'), 'utf8').startsWith(`LICET_LICENSE=${join(LICET_DIR, 'site.lic')}\n`));
    });
    it('says that a file is not there, and not that it is damaged', async () => {
      await says(call(['open', world.at('nowhere')], { LICET_SEAL_KEY }), 2, /nowhere cannot be read\n$/);
    });
    it('lets OpenSSL look at the chain where licet is not installed', async () => {
      const bare = { LICET_VERIFY: '', PATH: foreignPath() };
      const good = await call(['request'], { ...bare, LICET_ID_TOKEN: await token() });
      assert.equal(good.code, 0, good.err);
      assert.match(good.out, /site\.lic: OK/);
      const other = { ...bare, LICET_ROOT: builds.ca, LICET_TLS_ROOT: world.at('root.pem') };
      const bad = call(['request'], { ...other, LICET_ID_TOKEN: await token() });
      await says(bad, 4, /^licet-ci: the license does not verify: /);
      // Whatever else the machine trusts is not asked.
      const SSL_CERT_DIR = mkdtempSync(join(tmpdir(), 'licet-trusted-'));
      writeFileSync(join(SSL_CERT_DIR, 'root.pem'), readFileSync(world.at('root.pem')));
      assert.equal((await run('openssl', ['rehash', SSL_CERT_DIR])).code, 0);
      const trusted = call(['request'], { ...other, SSL_CERT_DIR, LICET_ID_TOKEN: await token() });
      await says(trusted, 4, /^licet-ci: the license does not verify: /);
      rmSync(SSL_CERT_DIR, { recursive: true });
    });
  });

  describe('ops/github-action', () => {
    let github: Listening;
    let workspace: string;
    const asked: string[] = [];
    before(async () => {
      workspace = mkdtempSync(join(tmpdir(), 'licet-job-'));
      // As GitHub answers the tokens of a job; what it answers is made by the provider.
      github = await listenTls(builds.files, (request, response) => {
        const url = new URL(request.url ?? '', github.url);
        asked.push([request.headers.authorization, ...url.searchParams.values()].join(' '));
        void builds
          .token(url.searchParams.get('audience') ?? '')
          .then((value) => response.end(JSON.stringify({ count: value.length, value })));
      });
      writeFileSync(join(workspace, 'root.pem'), readFileSync(world.at('root.pem')));
    });
    after(async () => {
      await github?.close();
      if (workspace !== undefined) rmSync(workspace, { recursive: true });
    });

    const inputs = () => ({ url: world.base, organization: 'acme', root: 'root.pem', audience: AUDIENCE });
    const permitted = (): Job => ({
      workspace,
      env: {
        ACTIONS_ID_TOKEN_REQUEST_URL: `${github.url}/token?api-version=2.0`,
        ACTIONS_ID_TOKEN_REQUEST_TOKEN: 'of this job',
        // GitHub's own certificate is vouched for by a public CA, which every runner knows.
        CURL_CA_BUNDLE: builds.ca,
      },
    });
    const isLicense = async (file: string, key: string) => {
      const anchors = TrustAnchors.fromPem(readFileSync(world.at('root.pem'), 'utf8'));
      assert.equal((await verifyLicense(readFileSync(file, 'utf8'), { anchors, at: new Date() })).state, 'valid');
      assert.match(readFileSync(key, 'utf8'), /^-----BEGIN PRIVATE KEY-----/);
      assert.equal(statSync(key).mode & 0o777, 0o600);
    };

    it('is in the form that GitHub wants', async function () {
      requireTool(this, 'actionlint');
      const repository = mkdtempSync(join(tmpdir(), 'licet-repository-'));
      for (const folder of ['.git', '.github/workflows']) mkdirSync(join(repository, folder), { recursive: true });
      mkdirSync(join(repository, 'ops'));
      const used = { ...inputs(), url: 'https://licenses.acme.example' };
      const steps = [
        { uses: './action', id: 'license', with: used },
        { run: 'echo "${{ steps.license.outputs.license }} ${{ steps.license.outputs.key }}"' },
      ];
      const workflow = { on: 'push', jobs: { build: { 'runs-on': 'ubuntu-latest', steps } } };
      mkdirSync(join(repository, 'action'));
      writeFileSync(join(repository, 'action/action.yml'), readFileSync(ACTION));
      // JSON is YAML.
      const file = join(repository, '.github/workflows/build.yml');
      writeFileSync(file, JSON.stringify(workflow));
      const { code, out, err } = await run('actionlint', ['-shellcheck=', '-pyflakes=', file]);
      rmSync(repository, { recursive: true });
      assert.equal(code, 0, `${out}${err}`);
    });

    it('gives a build its license: files, outputs, and the environment of later steps', async () => {
      const used = await runAction(ACTION, inputs(), permitted());
      assert.equal(used.code, 0, `${used.out}${used.err}`);
      const { license = '', key = '' } = used.outputs;
      await isLicense(license, key);
      assert.deepEqual(used.env, { LICET_LICENSE: license, LICET_KEY: key });
      assert.match(license, /\/temp\/licet\/site\.lic$/, 'below the temporary folder of the runner');
      assert.equal(asked.at(-1), `Bearer of this job 2.0 ${AUDIENCE}`);
      assert.match(used.out, /site\.lic: OK/, 'without licet, OpenSSL looks at it');
      const [leaf] = decodePem(readFileSync(license, 'utf8')).map(({ bytes }) => decodeCertificate(bytes));
      assert.match(leaf!.subject.rdns.flat().at(-1)?.value ?? '', /^ci-74-/, 'bound to the repository');
    });

    it('puts it where it is told to, verifies as it is told to, and seals it for builds without a network', async () => {
      const more = { directory: 'my license', verify: `${process.execPath} ${CLI} verify` };
      const sealing = { 'sealed-file': 'license.sealed', 'seal-key': LICET_SEAL_KEY };
      const used = await runAction(ACTION, { ...inputs(), ...more, ...sealing }, permitted());
      assert.equal(used.code, 0, `${used.out}${used.err}`);
      const { license = '', key = '' } = used.outputs;
      assert.equal(license, join(workspace, 'my license/site.lic'));
      await isLicense(license, key);
      assert.match(used.out, /valid/);
      const opened = { LICET_SEAL_KEY, LICET_DIR: world.at('sealed by the action') };
      const open = await call(['open', join(workspace, 'license.sealed')], opened);
      assert.equal(open.code, 0, `${open.out}${open.err}`);
      await isLicense(join(opened.LICET_DIR, 'site.lic'), join(opened.LICET_DIR, 'site.key'));
    });

    it('asks for a token for the address of the server, where no audience is named', async () => {
      const used = await runAction(ACTION, { ...inputs(), audience: '' }, permitted());
      assert.equal(asked.at(-1), `Bearer of this job 2.0 ${world.base}`);
      assert.equal(used.code, 1);
      assert.match(used.err, /^licet-ci: The token is for another audience\. \(IDENTITY_AUDIENCE\)\n$/);
    });

    it('takes what the inputs say as text, whatever they say', async () => {
      const evil = { ...inputs(), organization: '"; touch pwned; echo "', directory: '$(touch pwned)' };
      assert.equal((await runAction(ACTION, evil, permitted())).code, 1);
      assert.ok(!readdirSync(workspace).includes('pwned'));
    });

    it('fails its step with one sentence when the job may not have a token, or the server refuses', async () => {
      const forbidden = await runAction(ACTION, inputs(), { workspace });
      assert.equal(forbidden.code, 2);
      assert.match(forbidden.err, /^licet-ci: there is no identity token: .*allow the job to have one\.\n$/);
      builds.build = { ...BUILD, repository_id: '99' };
      const refused = await runAction(ACTION, inputs(), permitted());
      assert.equal(refused.code, 1);
      assert.match(refused.err, /^licet-ci: The token is genuine, and no rule is for what it says; .*TRUSTED\)\n$/);
      assert.deepEqual([refused.outputs, refused.env], [{ license: '', key: '' }, {}]);
    });
  });
});
