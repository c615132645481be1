import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ConfigError, type Surroundings, configurationPage, explain, loadConfig, secretsOf } from '../index.ts';
import { keysOf, variableName } from '../keys.ts';
import { schema } from '../schema.ts';

describe('configuration', () => {
  let directory: string;
  before(() => {
    directory = mkdtempSync(join(tmpdir(), 'licet-config-'));
  });
  after(() => rmSync(directory, { recursive: true }));

  const load = (given: Partial<Surroundings> = {}) => loadConfig({ argv: [], env: {}, directory, ...given });
  const file = (name: string, text: string) => {
    writeFileSync(join(directory, name), text);
    return join(directory, name);
  };
  const problems = async (given: Partial<Surroundings>): Promise<string[]> => {
    try {
      await load(given);
    } catch (error) {
      assert.ok(error instanceof ConfigError);
      return error.problems.map(({ path, origin, message }) => `${path} (${origin}): ${message}`);
    }
    throw new assert.AssertionError({ message: 'the configuration was accepted' });
  };

  it('needs nothing: every key has a default or is optional', async () => {
    const { config, origins } = await load();
    assert.equal(config.http.port, 8080);
    assert.equal(config.data.folder, join(directory, '.licet/data'));
    assert.equal(origins.size, 0);
  });

  it('defaults < file < environment < flags, key by key', async () => {
    const yaml = file('order.yaml', 'http:\n  port: 1\n  host: file\nlog:\n  level: error\n');
    const loaded = await load({
      argv: ['--config', yaml, '--http.port', '3'],
      env: { LICET_HTTP_PORT: '2', LICET_HTTP_HOST: 'env' },
    });
    const shown = new Map(explain(loaded).map(({ key, value, origin }) => [key, [value, origin]]));
    assert.deepEqual(shown.get('http.port'), ['3', '--http.port']);
    assert.deepEqual(shown.get('http.host'), ['"env"', 'LICET_HTTP_HOST']);
    assert.deepEqual(shown.get('log.level'), ['"error"', 'order.yaml:5']);
    assert.deepEqual(shown.get('log.format'), ['"auto"', 'default']);
    assert.equal(loaded.config.http.port, 3);
  });

  it('licet.yaml in the working directory is read without being named, LICET_CONFIG wins over it', async () => {
    const own = mkdtempSync(join(directory, 'own-'));
    writeFileSync(join(own, 'licet.yaml'), 'http: { port: 5 }');
    assert.equal((await load({ directory: own })).config.http.port, 5);
    const env = { LICET_CONFIG: file('other.yaml', 'http: { port: 6 }') };
    assert.equal((await load({ directory: own, env })).config.http.port, 6);
  });

  it('DATABASE_URL is read, and LICET_DATABASE_URL wins over it', async () => {
    const env = { DATABASE_URL: 'postgres://a@b/c' };
    assert.equal((await load({ env })).config.database.url, 'postgres://a@b/c');
    const both = { ...env, LICET_DATABASE_URL: 'postgres://own@b/c' };
    assert.equal((await load({ env: both })).config.database.url, 'postgres://own@b/c');
  });

  it('every key has its variable, and no two share one', () => {
    const keys = keysOf(schema);
    assert.equal(new Set(keys.map((key) => key.variable)).size, keys.length);
    assert.equal(variableName('http.timeouts.keepAliveSeconds'), 'LICET_HTTP_TIMEOUTS_KEEP_ALIVE_SECONDS');
  });

  it('lists and booleans can be written as text', async () => {
    const { config } = await load({
      env: { LICET_HTTP_TRUST_PROXY: 'loopback, 10.0.0.0/8' },
      argv: ['--http.tls.requestClientCertificate'],
    });
    assert.deepEqual(config.http.trustProxy, ['loopback', '10.0.0.0/8']);
    assert.equal(config.http.tls.requestClientCertificate, true);
  });

  it('a relative path starts where it was written', async () => {
    const folder = mkdtempSync(join(directory, 'deep-'));
    const yaml = join(folder, 'a.yaml');
    writeFileSync(yaml, 'data:\n  folder: here\n');
    assert.equal((await load({ argv: [`--config=${yaml}`] })).config.data.folder, join(folder, 'here'));
    assert.equal((await load({ argv: ['--data.folder', 'here'] })).config.data.folder, join(directory, 'here'));
  });

  describe('secrets', () => {
    const url = 'postgres://licet:hunter2-canary@db/licet';

    it('can stand in a file that is named instead, without its last newline', async () => {
      const path = file('secret', `${url}\n`);
      for (const env of [{ LICET_DATABASE_URL_FILE: path }, { DATABASE_URL_FILE: path }]) {
        const loaded = await load({ env });
        assert.equal(loaded.config.database.url, url);
        assert.deepEqual(secretsOf(loaded), [url]);
      }
    });

    it('are never shown, neither when explained nor when wrong', async () => {
      const loaded = await load({ env: { DATABASE_URL: url } });
      assert.ok(!JSON.stringify(explain(loaded)).includes('hunter2'));
      assert.equal(explain(loaded).find(({ key }) => key === 'database.url')?.value, '********');
      const wrong = await problems({ env: { DATABASE_URL: 'mysql://licet:hunter2-canary@db' } });
      assert.equal(wrong.length, 1);
      assert.ok(!wrong[0]!.includes('hunter2'), wrong[0]);
      assert.match(wrong[0]!, /^database\.url \(DATABASE_URL\): .*allowed: a URL such as postgres:/);
    });

    it('given twice or in a file that is not there are refused', async () => {
      const path = file('secret', url);
      const twice = { LICET_DATABASE_URL: url, LICET_DATABASE_URL_FILE: path };
      assert.match((await problems({ env: twice }))[0]!, /given twice/);
      const missing = await problems({ env: { LICET_DATABASE_URL_FILE: join(directory, 'nowhere') } });
      assert.match(missing[0]!, /^database\.urlFile \(LICET_DATABASE_URL_FILE\): .*ENOENT/);
    });
  });

  describe('stops the start, naming place, source and what is allowed:', () => {
    const cases: readonly { name: string; given: Partial<Surroundings>; says: string }[] = [
      {
        name: 'a value out of range',
        given: { argv: ['--http.port', '70000'] },
        says: 'http.port (--http.port): 70000 is not allowed; allowed: a whole number from 0 to 65535',
      },
      {
        name: 'text where a number belongs',
        given: { env: { LICET_DATABASE_POOL_SIZE: 'many' } },
        says: 'database.poolSize (LICET_DATABASE_POOL_SIZE): "many" is not allowed; allowed: a whole number from 1 to 100',
      },
      {
        name: 'an unknown choice',
        given: { env: { LICET_LOG_LEVEL: 'loud' } },
        says: 'log.level (LICET_LOG_LEVEL): "loud" is not allowed; allowed: debug, info, warn, error',
      },
      {
        name: 'a bad item of a list',
        given: { argv: ['--http.trustProxy', 'loopback,everyone'] },
        says: 'http.trustProxy (--http.trustProxy): ["loopback","everyone"] is not allowed; allowed: a list of addresses, networks (10.0.0.0/8), or loopback, linklocal, uniquelocal',
      },
      {
        name: 'a misspelled variable',
        given: { env: { LICET_HTP_PORT: '1' } },
        says: 'LICET_HTP_PORT (environment): is not a configuration variable; did you mean LICET_HTTP_PORT?',
      },
      {
        name: 'a misspelled flag',
        given: { argv: ['--http.prt', '1'] },
        says: '--http.prt (command line): is not a flag; did you mean http.port?',
      },
      {
        name: 'a flag without a value',
        given: { argv: ['--http.port', '--log.level', 'info'] },
        says: 'http.port (--http.port): needs a value: a whole number from 0 to 65535',
      },
      {
        name: 'a stray word',
        given: { argv: ['8080'] },
        says: '8080 (command line): is not a flag; flags look like --http.port 8443',
      },
      {
        name: 'TLS without its key',
        given: { argv: ['--http.tls.mode', 'files', '--http.tls.certificate', 'a'] },
        says:
          'http.tls.key (not set): is needed when http.tls.mode is files, as it is by itself when one of the two files ' +
          'is named',
      },
      {
        name: 'TLS without its certificate, and nothing else',
        given: { argv: ['--http.tls.key', 'a'] },
        says:
          'http.tls.certificate (not set): is needed when http.tls.mode is files, as it is by itself when one of the ' +
          'two files is named',
      },
      {
        name: 'a shared port that nobody else can know',
        given: { argv: ['--http.sharePort', 'true', '--http.plain.port', '0'] },
        says: 'http.plain.port (--http.plain.port): has to be a certain one when http.sharePort is on: give it',
      },
      {
        name: 'a forwarded certificate from nobody in particular',
        given: { argv: ['--http.clientCertificateHeader', 'Client-Cert'] },
        says:
          'http.trustProxy (not set): is needed with http.clientCertificateHeader: the addresses of the proxies that ' +
          'may send that header',
      },
      {
        name: '--config without a file',
        given: { argv: ['--config'] },
        says: '--config (command line): needs the path of a file',
      },
    ];
    for (const { name, given, says } of cases) {
      it(name, async () => assert.deepEqual(await problems(given), [says]));
    }

    const files: readonly { name: string; yaml: string; says: RegExp }[] = [
      {
        name: 'an unknown key',
        yaml: 'http:\n  prot: 1\n',
        says: /^http\.prot \(bad\.yaml:2\): is not a key; did you mean http\.port\?$/,
      },
      {
        name: 'an unknown section',
        yaml: 'a: 1\ndatabse:\n  poolSize: 1\n',
        says: /^databse \(bad\.yaml:3\): is not a key; did you mean database\?$/,
      },
      {
        name: 'a value of the wrong kind',
        yaml: 'http:\n\n  port: "80"\n',
        says: /^http\.port \(bad\.yaml:3\): "80" is not allowed/,
      },
      { name: 'a section that is a value', yaml: 'http: 5\n', says: /^http \(bad\.yaml:1\): must be a section/ },
      { name: 'a key that is a section', yaml: 'http:\n  port:\n    a: 1\n', says: /^http\.port/ },
      {
        name: 'a key given twice',
        yaml: 'http:\n  port: 1\n  port: 2\n',
        says: /^bad\.yaml \(bad\.yaml:3\): is not YAML: .*unique/,
      },
      { name: 'no mapping at all', yaml: '- a\n', says: /must hold a mapping/ },
    ];
    for (const { name, yaml, says } of files) {
      it(`${name} in the file`, async () => {
        const found = await problems({ argv: ['--config', file('bad.yaml', yaml)] });
        assert.ok(
          found.some((problem) => says.test(problem)),
          found.join('\n'),
        );
      });
    }

    it('a file that was named and is not there', async () => {
      assert.match((await problems({ argv: ['--config', 'nowhere.yaml'] }))[0]!, /cannot be read \(ENOENT\)/);
    });

    it('all of them at once', async () => {
      const found = await problems({
        argv: ['--http.port', 'x', '--config', file('bad.yaml', 'log:\n  leven: info\n')],
        env: { LICET_NOTHING_LIKE_IT: '1', LICET_LOG_FORMAT: 'xml' },
      });
      assert.equal(found.length, 4, found.join('\n'));
    });
  });

  it('variables of this house that configure something else are left alone, and an empty one is not set', async () => {
    const env = { LICET_DEBUG: '1', LICET_REQUIRE_ALL: '1', LICET_HTTP_PORT: '' };
    assert.equal((await load({ env })).config.http.port, 8080);
  });

  it('docs/configuration.md is what the schema says (else: npm run docs:config)', () => {
    const page = new URL('../../../docs/configuration.md', import.meta.url);
    assert.equal(readFileSync(page, 'utf8'), configurationPage());
  });
});
