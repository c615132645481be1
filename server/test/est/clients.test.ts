import assert from 'node:assert/strict';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { requireTool } from '@licet/checks';
import { decodeCertificate, decodeCertsOnly, decodePem, fromBase64, type Certificate } from '@licet/format';
import { TrustAnchors, verifyLicenseSync } from '@licet/verify';
import { type EstServer, estServer, run } from './est-server.ts';

const SUBJECT = '/O=acme/OU=globex/CN=plant-7';

describe('EST from outside', function () {
  this.timeout(30_000);
  let server: EstServer;
  before(async function () {
    requireTool(this, 'openssl', 'curl', 'pki');
    server = await estServer();
  });
  after(() => server?.close());

  const good = async (program: string, args: string[], input?: string) => {
    // strongSwan asks for the status of the server's certificate; nobody answers, and that is to be known at once.
    const env = { http_proxy: 'http://127.0.0.1:9' };
    const ran = await run(program, args, input === undefined ? { env } : { env, input });
    assert.equal(ran.code, 0, `${program} ${args.join(' ')}\n${ran.out}\n${ran.err}`);
    return ran.out;
  };
  const key = (name: string) =>
    good('openssl', ['genpkey', '-algorithm', 'EC', '-pkeyopt', 'ec_paramgen_curve:P-256', '-out', server.at(name)]);
  const request = (name: string, keyName: string, more: string[] = []) =>
    good('openssl', ['req', '-new', '-key', server.at(keyName), '-subj', SUBJECT, '-out', server.at(name), ...more]);
  const certificateAt = (name: string): Certificate =>
    decodeCertificate(decodePem(readFileSync(server.at(name), 'utf8'))[0]!.bytes);
  const isGood = ({ der }: Certificate) => {
    const above = server.office.workshop.generations;
    const chain = [...above.values()].filter(({ purpose }) => purpose !== 'service').map(({ chain: [ca] }) => ca!.der);
    const pem = [der, ...chain.toReversed()].map(
      (one) => `-----BEGIN CERTIFICATE-----\n${Buffer.from(one).toString('base64')}\n-----END CERTIFICATE-----\n`,
    );
    const anchors = TrustAnchors.fromPem(readFileSync(server.at('root.pem'), 'utf8'));
    assert.equal(verifyLicenseSync(pem.join(''), { anchors, at: server.office.workshop.now }).state, 'valid');
  };

  it('the documented command shows the CAs', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/enrolment.md'), 'utf8');
    const [command = ''] = /^ +curl .*cacerts \|.*$/m.exec(page) ?? [];
    const here = command.replace('root.pem', server.at('root.pem')).replace('https://SERVER', server.base);
    assert.match(await good('sh', ['-c', here]), /subject=O = acme, OU = globex[^]*BEGIN CERTIFICATE/);
  });

  for (const tls of ['1.2', '1.3']) {
    it(`curl and openssl enrol and renew over TLS ${tls}`, async () => {
      const curl = (...args: string[]) =>
        good('curl', [
          '-sS',
          '--fail-with-body',
          `--tlsv${tls}`,
          '--tls-max',
          tls,
          '--cacert',
          server.at('root.pem'),
          ...args,
        ]);
      const post = ['-H', 'Content-Type: application/pkcs10', '--data-binary'];
      await key('curl.key');
      const csr = await good('openssl', [
        'req',
        '-new',
        '-key',
        server.at('curl.key'),
        '-subj',
        SUBJECT,
        '-outform',
        'PEM',
      ]);
      const body = csr
        .split('\n')
        .filter((line) => !line.startsWith('-----'))
        .join('\n');
      writeFileSync(server.at('curl.b64'), body);
      const first = await curl(
        '-u',
        `x:${server.office.token()}`,
        ...post,
        `@${server.at('curl.b64')}`,
        `${server.base}/.well-known/est/simpleenroll`,
      );
      writeFileSync(server.at('curl.p7'), first);
      await good('sh', [
        '-c',
        `openssl base64 -d -in '${server.at('curl.p7')}' | openssl pkcs7 -inform DER -print_certs -out '${server.at('curl.crt')}'`,
      ]);
      isGood(certificateAt('curl.crt'));

      await key('curl2.key');
      await request('curl2.csr', 'curl2.key');
      const mtls = ['--cert', server.at('curl.crt'), '--key', server.at('curl.key')];
      const second = await curl(
        ...mtls,
        ...post,
        `@${server.at('curl2.csr')}`,
        `${server.base}/.well-known/est/globex.acme/simplereenroll`,
      );
      const [renewed, ...more] = decodeCertsOnly(fromBase64(second, 'lenient'));
      assert.equal(more.length, 0, 'only the issued certificate');
      isGood(decodeCertificate(renewed!));
      assert.match(second, /^(?:[A-Za-z0-9+/]{64}\n)+[A-Za-z0-9+/=]+\n$/, 'wrapped, as the request was');
    });
  }

  describe('strongSwan pki', () => {
    // 5.9 takes a path in its address and appends the well-known part: the prefix form.
    for (const label of ['', '/globex', '/globex.acme']) {
      it(`enrols and renews at ${label === '' ? 'the server' : label}`, async () => {
        const url = ['--url', `${server.base}${label}`, '--cacert', server.at('root.pem')];
        await good('pki', ['--estca', ...url, '--caout', server.at('ca.pem'), '--outform', 'pem', '--force']);
        const stored = readdirSync(server.folder).filter((name) => name.startsWith('ca'));
        assert.ok(stored.length === 2, `both CAs below the root, and no more: ${stored.join()}`);
        const gen = await good('pki', ['--gen', '--type', 'ecdsa', '--size', '256', '--outform', 'pem']);
        writeFileSync(server.at('swan.key'), gen);
        const dn = 'O=acme, OU=globex, CN=plant-7';
        const csr = await good('pki', [
          '--req',
          '--type',
          'priv',
          '--in',
          server.at('swan.key'),
          '--dn',
          dn,
          '--outform',
          'pem',
        ]);
        writeFileSync(server.at('swan.csr'), csr);
        const userpass = ['--userpass', `anything:${server.office.token()}`];
        const first = await good('pki', [
          '--est',
          ...url,
          '--in',
          server.at('swan.csr'),
          ...userpass,
          '--outform',
          'pem',
        ]);
        writeFileSync(server.at('swan.crt'), first);
        isGood(certificateAt('swan.crt'));

        writeFileSync(
          server.at('swan2.key'),
          await good('pki', ['--gen', '--type', 'ecdsa', '--size', '256', '--outform', 'pem']),
        );
        writeFileSync(
          server.at('swan2.csr'),
          await good('pki', [
            '--req',
            '--type',
            'priv',
            '--in',
            server.at('swan2.key'),
            '--dn',
            dn,
            '--outform',
            'pem',
          ]),
        );
        const old = ['--cert', server.at('swan.crt'), '--key', server.at('swan.key')];
        writeFileSync(
          server.at('swan2.crt'),
          await good('pki', ['--est', ...url, '--in', server.at('swan2.csr'), ...old, '--outform', 'pem']),
        );
        isGood(certificateAt('swan2.crt'));
        assert.equal(server.office.asked.at(-1)?.startsWith('after '), true, 'it was a renewal');
      });
    }

    it('polls while an enrolment waits for its approval', async () => {
      let times = 0;
      server.office.instead = () => {
        times += 1;
        if (times === 2) server.office.instead = undefined;
        return { outcome: 'pending', retryAfterSeconds: 0.1 };
      };
      const url = ['--url', server.base, '--cacert', server.at('root.pem'), '--interval', '1', '--maxpolltime', '10'];
      const userpass = ['--userpass', `x:${server.office.token()}`];
      const crt = await good('pki', ['--est', ...url, '--in', server.at('swan.csr'), ...userpass, '--outform', 'pem']);
      assert.match(crt, /BEGIN CERTIFICATE/);
      assert.equal(times, 2);
    });
  });
});
