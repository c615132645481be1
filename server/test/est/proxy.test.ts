import assert from 'node:assert/strict';
import type { ChildProcess } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { requireTool } from '@licet/checks';
import { decodeCertificate, decodeCertsOnly, encodePem, fromBase64, toHex } from '@licet/format';
import { freePort } from '../frame/served.ts';
import { type EstServer, estServer, run } from './est-server.ts';
import { PROXIES } from './proxies.ts';

const SUBJECT = '/O=acme/OU=globex/CN=plant-7';

for (const proxy of PROXIES) {
  describe(`EST behind ${proxy.program}, which ends TLS`, function () {
    this.timeout(30_000);
    let server: EstServer;
    let stranger: EstServer;
    let child: ChildProcess;
    let base: string;
    let published: string;

    before(async function () {
      requireTool(this, proxy.program, 'openssl', 'curl', 'faketime');
      const header = { isBehindProxy: true, clientCertificateHeader: 'Client-Cert' };
      server = await estServer({}, {}, { ...header, trustProxy: ['loopback'] });
      stranger = await estServer({}, {}, { ...header, trustProxy: ['192.0.2.1'] });
      const [tls, plain] = [await freePort(), await freePort()];
      child = proxy.start(server, { tls, plain });
      base = `https://localhost:${tls}`;
      published = `http://127.0.0.1:${plain}`;
      const isUp = await run('curl', [
        '-sSo',
        '/dev/null',
        '--retry',
        '20',
        '--retry-connrefused',
        '--retry-delay',
        '1',
        '-k',
        base,
      ]);
      assert.equal(isUp.code, 0, isUp.err);
    });
    after(async () => {
      child?.kill();
      await server?.close();
      await stranger?.close();
    });

    const openssl = async (...args: string[]) => {
      const ran = await run('openssl', args);
      assert.equal(ran.code, 0, ran.err);
      return ran.out;
    };
    const requestWith = async (name: string) => {
      await openssl(
        'genpkey',
        '-algorithm',
        'EC',
        '-pkeyopt',
        'ec_paramgen_curve:P-256',
        '-out',
        server.at(`${name}.key`),
      );
      const pem = await openssl('req', '-new', '-key', server.at(`${name}.key`), '-subj', SUBJECT);
      const body = pem.split('\n').filter((line) => !line.startsWith('-----'));
      writeFileSync(server.at(`${name}.b64`), body.join('\n'));
    };
    const post = (url: string, name: string, more: readonly string[], operation = 'simplereenroll') => {
      const trust = ['-sS', '--fail-with-body', '--cacert', server.at('root.pem')];
      const body = ['-H', 'Content-Type: application/pkcs10', '--data-binary', `@${server.at(`${name}.b64`)}`];
      return run('curl', [...trust, ...body, ...more, `${url}/.well-known/est/${operation}`]);
    };
    const as = (name: string) => ['--cert', server.at(`${name}.crt`), '--key', server.at(`${name}.key`)];
    const keep = (name: string, base64: string): string => {
      const [der] = decodeCertsOnly(fromBase64(base64.replaceAll('\n', '')));
      writeFileSync(server.at(`${name}.crt`), encodePem('CERTIFICATE', der!));
      return toHex(decodeCertificate(der!).serial);
    };
    const escaped = (name: string) => encodeURIComponent(readFileSync(server.at(`${name}.crt`), 'utf8'));

    before('a first license, by a token', async () => {
      await requestWith('first');
      const { code, out, err } = await post(base, 'first', ['-u', `x:${server.office.token()}`], 'simpleenroll');
      assert.equal(code, 0, out + err);
      keep('first', out);
      await requestWith('next');
    });

    it('refuses a certificate that a client has written into the header itself', async () => {
      const { out } = await post(base, 'next', ['-H', `Client-Cert: ${escaped('first')}`]);
      assert.match(out, /LICENSE_NOT_SHOWN/);
    });

    it('refuses one that comes past the proxies', async () => {
      const { out } = await post(stranger.url, 'next', ['-H', `Client-Cert: ${escaped('first')}`]);
      assert.match(out, /Client-Cert is believed from the proxies of http\.trustProxy only, and 127\.0\.0\.1 is none/);
      assert.match(out, /FORWARDER_NOT_TRUSTED/);
    });

    it('hands on a certificate that is over, for the authority to judge', async () => {
      const make = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
      const to = ['-subj', SUBJECT, '-keyout', server.at('over.key'), '-out', server.at('over.crt')];
      assert.equal((await run('faketime', ['-f', '-30d', 'openssl', ...make, ...to])).code, 0);
      assert.match((await post(base, 'next', as('over'))).out, /LICENSE_UNKNOWN/);
    });

    it('renews for the license that the TLS client shows', async () => {
      const { code, out } = await post(base, 'next', as('first'));
      assert.equal(code, 0, out);
      const serial = keep('next', out);
      const again = await post(base, 'next', as('first'));
      assert.equal(keep('next', again.out), serial);
    });

    it('publishes without TLS what whoever checks a certificate needs, and nothing else', async () => {
      const isAnsweredByAuthority = async (path: string) => {
        const { out } = await run('curl', ['-sS', '-o', '/dev/null', '-w', '%{content_type}', published + path]);
        return out === 'application/problem+json';
      };
      for (const path of ['/ca/none', '/crl/none', '/ocsp']) assert.ok(await isAnsweredByAuthority(path), path);
      for (const path of ['/.well-known/est/cacerts', '/api/v1/sites', '/casino', '/'])
        assert.ok(!(await isAnsweredByAuthority(path)), path);
    });
  });
}
