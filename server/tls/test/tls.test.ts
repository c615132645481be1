import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { connect as connectTls } from 'node:tls';
import { requireTool } from '@licet/checks';
import { createLog } from '../../log/log.ts';
import { createMetrics } from '../../metrics/metrics.ts';
import { eventually, serve, type Served } from '../../test/frame/served.ts';
import { checkTls } from '../context.ts';
import { type WatchedTls, watchTlsFiles } from '../files.ts';

const clock = { now: () => new Date() }; // openssl makes the certificates below as of now

describe('TLS of the public listener', () => {
  let folder: string | undefined;
  const at = (name: string) => join(folder ?? '', name);
  const selfSigned = (name: string, days: string) => {
    const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,IP:127.0.0.1'];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at(`${name}.key`)];
    return ['req', '-x509', ...key, ...subject, '-days', days, '-out', at(`${name}.crt`)];
  };
  const make = (name: string, issuer: string[] = []) => {
    const run = spawnSync('openssl', [...selfSigned(name, '30'), ...issuer]);
    assert.equal(run.status, 0, String(run.stderr));
    return { certificate: at(`${name}.crt`), key: at(`${name}.key`) };
  };
  const materialOf = (files: { certificate: string; key: string }) => ({
    certificate: readFileSync(files.certificate, 'utf8'),
    key: readFileSync(files.key, 'utf8'),
  });

  before(function () {
    requireTool(this, 'openssl', 'curl', 'faketime');
    folder = mkdtempSync(join(tmpdir(), 'licet-tls-'));
    make('one');
    make('two');
  });
  after(() => folder && rmSync(folder, { recursive: true, force: true }));

  describe('says what is wrong with what it is given', () => {
    const of = (certificate: string, key: string) => () =>
      checkTls({ certificate: readFileSync(at(certificate), 'utf8'), key: readFileSync(at(key), 'utf8') }, clock.now());

    it('a key of another certificate', () => {
      assert.throws(of('one.crt', 'two.key'), /does not belong to the first certificate/);
    });
    it('the two files exchanged', () => {
      assert.throws(of('one.key', 'one.crt'), /certificate file holds no PEM certificate/);
    });
    it('an encrypted key', () => {
      spawnSync('openssl', [
        'pkey',
        '-in',
        at('one.key'),
        '-aes256',
        '-passout',
        'pass:abcd',
        '-out',
        at('locked.key'),
      ]);
      assert.throws(of('one.crt', 'locked.key'), /no unencrypted PEM private key/);
    });
    describe('of a chain', () => {
      const chain = (...names: string[]) =>
        writeFileSync(at('chain.crt'), names.map((name) => readFileSync(at(name))).join(''));
      before(() => {
        make('ca');
        make('leaf', ['-CA', at('ca.crt'), '-CAkey', at('ca.key')]);
      });

      it('nothing, where each has issued the one before it', () => {
        chain('leaf.crt', 'ca.crt');
        assert.doesNotThrow(of('chain.crt', 'leaf.key'));
      });
      it('where the certificate of the key stands, if not first', () => {
        chain('ca.crt', 'leaf.crt');
        assert.throws(
          of('chain.crt', 'leaf.key'),
          /wrong order: the certificate of the TLS key stands in place 2; put/,
        );
      });
      it('which one has not issued the one before it', () => {
        chain('leaf.crt', 'one.crt', 'ca.crt');
        assert.throws(of('chain.crt', 'leaf.key'), /"CN=one" in place 2 has not issued "CN=leaf" before it; put/);
      });
      it('which one cannot be read', () => {
        chain('leaf.crt');
        writeFileSync(at('chain.crt'), '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n', { flag: 'a' });
        assert.throws(of('chain.crt', 'leaf.key'), /no PEM certificate that can be read in place 2/);
      });
    });
    it('a file that is not there', () => {
      const log = createLog({ level: 'error', format: 'json', clock, write: () => undefined });
      const metrics = createMetrics({ version: '0', routes: [], jobs: [] });
      const files = { certificate: at('nowhere'), key: at('one.key') };
      assert.throws(() => watchTlsFiles(files, { clock, log, metrics }), /nowhere of http\.tls\.certificate .*ENOENT/);
    });
    it('a certificate of another time is used, but noted', () => {
      const material = materialOf({ certificate: at('one.crt'), key: at('one.key') });
      const outOfDate = (at: Date) => checkTls(material, at).outOfDate;
      assert.match(outOfDate(new Date('2020-01-01T00:00:00Z')) ?? '', /begins only at \d{4}-.*until then/);
      assert.match(outOfDate(new Date('2222-01-01T00:00:00Z')) ?? '', /has ended at \d{4}-/);
      assert.equal(outOfDate(clock.now()), undefined);
    });
  });

  describe('serves', () => {
    let served: Served;
    let watched: WatchedTls;
    const lines: string[] = [];
    const metrics = createMetrics({ version: '0', routes: [], jobs: [] });
    const live = () => ({ certificate: at('live.crt'), key: at('live.key') });
    const put = (name: string) => {
      cpSync(at(`${name}.key`), live().key);
      cpSync(at(`${name}.crt`), live().certificate);
    };

    before(async () => {
      put('one');
      const log = createLog({ level: 'info', format: 'json', clock, write: (line) => void lines.push(line) });
      watched = watchTlsFiles(live(), { clock, log, metrics }, 20);
      served = await serve({
        routes: [{ method: 'GET', path: '/', handle: (_, response) => void response.send('hello') }],
        tls: { options: watched.first.options, requestClientCertificate: true },
      });
      watched.onChange(({ options }) => served.listener.replaceTls(options));
    });
    after(async () => {
      watched.stop();
      await served.close();
    });

    const curl = (...args: string[]) =>
      new Promise<{ code: number | null; out: string }>((resolve) => {
        const child = execFile('curl', ['-sS', '-m', '5', ...args, served.url], (_, out, err) =>
          resolve({ code: child.exitCode, out: out + err }),
        );
      });
    const subjectServed = () =>
      new Promise<string>((resolve, reject) => {
        const socket = connectTls({ port: served.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
          resolve(String(socket.getPeerCertificate().subject.CN));
          socket.destroy();
        });
        socket.once('error', reject);
      });

    it('HTTPS that curl trusts by that certificate, with HSTS', async () => {
      const { out } = await curl('-i', '--cacert', at('one.crt'));
      assert.match(out, /^HTTP\/1.1 200 .*strict-transport-security: max-age=63072000.*hello$/is);
    });

    it('TLS 1.2 and 1.3 and nothing older', async () => {
      assert.equal((await curl('-k', '--tlsv1.2', '--tls-max', '1.2')).code, 0);
      assert.equal((await curl('-k', '--tlsv1.3')).code, 0);
      assert.notEqual((await curl('-k', '--tlsv1.0', '--tls-max', '1.1', '--ciphers', 'DEFAULT@SECLEVEL=0')).code, 0);
    });

    it('a client with a certificate that nobody knows, for the routes to judge', async () => {
      assert.equal((await curl('-k', '--cert', at('two.crt'), '--key', at('two.key'))).out, 'hello');
    });

    it('a new certificate as soon as the files hold one, and keeps the old one when they hold rubbish', async () => {
      assert.equal(await subjectServed(), 'one');
      writeFileSync(live().key, 'rubbish');
      await eventually(() => lines.some((line) => line.includes('not loaded')), 'the rubbish is noticed');
      assert.equal(await subjectServed(), 'one');
      put('two');
      await eventually(async () => (await subjectServed()) === 'two', 'the new certificate is served');
      assert.match(await metrics.text(), /licet_tls_certificate_loads_total\{result="done"\} 2/);
    });

    it('never one that is over in the place of one that is good, says so once, and takes the next', async () => {
      const run = spawnSync('faketime', ['-f', '-60d', 'openssl', ...selfSigned('over', '30')]);
      assert.equal(run.status, 0, String(run.stderr));
      put('over');
      const refusals = () => lines.filter((line) => line.includes('has ended at')).length;
      await eventually(() => refusals() > 0, 'the refusal is noticed');
      await pause(100); // several looks
      assert.equal(refusals(), 1);
      assert.equal(await subjectServed(), 'two');
      put('one');
      await eventually(async () => (await subjectServed()) === 'one', 'the next certificate is served');
    });
  });
});
