import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { requireTool } from '@licet/checks';
import { type Certificate, decodeCertificate, decodePem, toHex } from '@licet/format';
import { createToken } from '../../licensing/enrolment/create-token.ts';
import { OWNER } from '../../licensing/test/office.ts';
import { run } from './est-server.ts';
import { openWorld, type World } from './world.ts';

const HELPER = resolve(import.meta.dirname, '../../../ops/certmonger/licet-est');

describe('certmonger, by the helper in ops', function () {
  this.timeout(120_000);
  let world: World;
  before(async function () {
    requireTool(this, 'openssl', 'curl');
    world = await openWorld(this);
  });
  after(() => world?.close());

  describe('what the helper says to it', () => {
    const call = (operation: string, more: NodeJS.ProcessEnv, conf = '/nonexistent') => {
      const settings = { LICET_URL: world.base, LICET_ROOT: world.at('root.pem') };
      return run(HELPER, [conf], { env: { ...settings, CERTMONGER_OPERATION: operation, ...more } });
    };
    const makeRequest = async (name: string) => {
      const key = [
        '-newkey',
        'ec',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-nodes',
        '-keyout',
        world.at(`${name}.key`),
      ];
      const { code, out, err } = await run('openssl', ['req', '-new', ...key, '-subj', `/CN=${name}`]);
      assert.equal(code, 0, err);
      return out;
    };

    it('a certificate, a refusal, that nobody is there, that settings are missing, and what it cannot', async () => {
      const CERTMONGER_CSR = await makeRequest('helper');
      const secret = await world.token(world.globex.contract, 'helper');
      const first = await call('SUBMIT', { CERTMONGER_CSR, LICET_TOKEN: secret });
      assert.equal(first.code, 0, `${first.out}${first.err}`);
      assert.equal(decodePem(first.out, 'CERTIFICATE').length, 1);
      const rejected = await call('SUBMIT', { CERTMONGER_CSR, LICET_TOKEN: 'hello' });
      assert.equal(rejected.code, 2);
      assert.match(rejected.out, /There is no such enrolment token/);
      const nobody = await call('SUBMIT', { CERTMONGER_CSR, LICET_URL: 'https://localhost:1', LICET_TOKEN: 'x' });
      assert.equal(nobody.code, 3);
      assert.equal((await call('SUBMIT', { CERTMONGER_CSR })).code, 4);
      assert.equal((await call('GET-SUPPORTED-TEMPLATES', {})).code, 6);
      assert.match((await call('FETCH-ROOTS', {})).out, /^licet root\n-----BEGIN CERTIFICATE-----/);
    });

    it('a certificate by a new token, where the license that is there is not renewed any more', async () => {
      await makeRequest('former');
      const key = world.at('former.key');
      const stranger = ['req', '-x509', '-key', key, '-subj', '/O=acme/OU=globex/CN=former', '-days', '2'];
      const CERTMONGER_CERTIFICATE = (await run('openssl', stranger)).out;
      const had = { CERTMONGER_CERTIFICATE, LICET_KEY: key, CERTMONGER_CSR: await makeRequest('anew') };
      const alone = await call('SUBMIT', had);
      assert.equal(alone.code, 2);
      assert.match(alone.out, /LICENSE_UNKNOWN/);
      const both = await call('SUBMIT', { ...had, LICET_TOKEN: 'hello' });
      assert.equal(both.code, 2);
      assert.match(both.out, /LICENSE_UNKNOWN[^]*TOKEN_UNKNOWN/, 'why neither of them did it');
      const anew = await call('SUBMIT', { ...had, LICET_TOKEN: await world.token(world.globex.contract, 'anew') });
      assert.equal(anew.code, 0, anew.out);
    });

    it('to wait, and to ask again, while somebody has to agree', async () => {
      const forWhat = { contract: world.globex.contract.id, mode: 'production', name: 'agreed' } as const;
      const { token: LICET_TOKEN } = await createToken(world.deps)(OWNER, { ...forWhat, options: { approval: true } });
      const CERTMONGER_CSR = await makeRequest('agreed');
      for (const operation of ['SUBMIT', 'POLL']) {
        const asked = await call(operation, { CERTMONGER_CSR, LICET_TOKEN });
        assert.equal(asked.code, 5, asked.out);
        assert.match(asked.out, /^\d+\nlicet\n$/, 'seconds, then a cookie');
      }
    });
  });

  describe('as it runs', () => {
    let monger: Monger;
    before(async function () {
      requireTool(this, 'certmonger', 'getcert', 'dbus-daemon');
      monger = await Monger.open(world.at('monger'));
    });
    after(() => monger?.close());

    const serial = (file: string) => {
      const [pem] = decodePem(readFileSync(file, 'utf8'), 'CERTIFICATE');
      const certificate: Certificate = decodeCertificate(pem!.bytes);
      assert.equal(certificate.subject.rdns.flat().at(-1)?.value, 'monger');
      return toHex(certificate.serial);
    };

    it('enrols, renews with the same key and with a new one, by what it was told once', async () => {
      const [crt, key, conf] = ['site.crt', 'site.key', 'licet.conf'].map((name) => join(monger.folder, name)) as [
        string,
        string,
        string,
      ];
      const token = await world.token(world.globex.contract, 'monger');
      const settings = { LICET_URL: world.base, LICET_ROOT: world.at('root.pem'), LICET_TOKEN: token, LICET_KEY: key };
      writeFileSync(
        conf,
        Object.entries(settings)
          .map(([name, value]) => `${name}=${value}\n`)
          .join(''),
      );
      await monger.getcert('add-ca', '-c', 'licet', '-e', `${HELPER} ${conf}`);
      await monger.getcert('request', '-c', 'licet', '-f', crt, '-k', key, '-N', 'CN=monger', '-I', 'site', '-w');
      const first = serial(crt);
      const made = readFileSync(key, 'utf8');
      await monger.getcert('resubmit', '-i', 'site', '-w');
      const second = serial(crt);
      assert.notEqual(second, first);
      assert.equal(readFileSync(key, 'utf8'), made);
      await monger.getcert('rekey', '-i', 'site', '-w');
      assert.notEqual(serial(crt), second);
      assert.notEqual(readFileSync(key, 'utf8'), made);
    });
  });
});

/** certmonger with a bus and folders of its own. */
class Monger {
  readonly folder: string;
  readonly #children: ChildProcess[] = [];
  readonly #env: Record<string, string> = {};

  private constructor(folder: string) {
    this.folder = folder;
  }

  static async open(folder: string): Promise<Monger> {
    const monger = new Monger(folder);
    mkdirSync(folder);
    for (const name of ['REQUESTS', 'CAS', 'CONFIG', 'LOCAL_CA']) {
      monger.#env[`CERTMONGER_${name}_DIR`] = join(folder, name);
      mkdirSync(join(folder, name));
    }
    const bus = `unix:path=${join(folder, 'bus')}`;
    monger.#env['DBUS_SESSION_BUS_ADDRESS'] = bus;
    monger.#start('dbus-daemon', '--session', '--nofork', '--nopidfile', `--address=${bus}`);
    while (!existsSync(join(folder, 'bus'))) await pause(50);
    monger.#start('certmonger', '-s', '-n');
    while ((await run('getcert', ['list', '-s'], { env: monger.#env })).code !== 0) await pause(100);
    return monger;
  }

  async getcert(command: string, ...options: string[]): Promise<void> {
    const { code, out, err } = await run('getcert', [command, '-s', ...options], { env: this.#env });
    const state = code === 0 ? '' : (await run('getcert', ['list', '-s'], { env: this.#env })).out;
    assert.equal(code, 0, `${out}${err}${state}`);
  }

  async close(): Promise<void> {
    for (const child of this.#children.toReversed()) {
      if (child.exitCode !== null) continue;
      child.kill();
      await once(child, 'exit');
    }
  }

  #start(program: string, ...args: string[]): void {
    this.#children.push(spawn(program, args, { stdio: 'ignore', env: { ...process.env, ...this.#env } }));
  }
}
