import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { mock } from 'node:test';
import { requireTool } from '@licet/checks';
import { decodeCertificate, decodeCertsOnly, encodePem, extension, fromBase64, toBase64, toHex } from '@licet/format';
import { TrustAnchors, verifyLicenseSync } from '@licet/verify';
import { run } from './est-server.ts';
import { csrFor } from './requests.ts';
import { openWorld, type World } from './world.ts';

describe('EST before the licensing domain', function () {
  this.timeout(60_000);
  let world: World;
  before(async function () {
    requireTool(this, 'openssl', 'curl', 'pki');
    world = await openWorld(this);
  });
  after(() => world?.close());

  type Asked = { path?: string; secret?: string; body: string; tls?: string[] };
  const post = async ({ path = '/.well-known/est/simpleenroll', secret, body, tls = [] }: Asked) => {
    const user = secret === undefined ? [] : ['-u', `any:${secret}`];
    const type = [
      '-H',
      'Content-Type: application/pkcs10',
      '--data-binary',
      '@-',
      '-w',
      '\n%{http_code} %header{x-licet-code}',
    ];
    const ran = await run(
      'curl',
      ['-sS', '--cacert', world.at('root.pem'), ...user, ...tls, ...type, `${world.base}${path}`],
      { input: body },
    );
    assert.equal(ran.code, 0, ran.err);
    const [, text = '', status = '', code = ''] = /^([^]*)\n(\d+) (.*)$/.exec(ran.out) ?? [];
    return { status: Number(status), code, text };
  };
  const isIssued = ({ status, text }: { status: number; text: string }) => {
    assert.equal(status, 200, text);
    return decodeCertificate(decodeCertsOnly(fromBase64(text, 'lenient'))[0]!);
  };
  const good = async (program: string, args: string[], env: NodeJS.ProcessEnv = {}) => {
    const ran = await run(program, args, { env: { http_proxy: 'http://127.0.0.1:9', ...env } });
    assert.equal(ran.code, 0, `${program} ${args.join(' ')}\n${ran.out}\n${ran.err}`);
    return ran.out;
  };
  // Without names: the token, or the license, says them.
  const csr = () => toBase64(csrFor({ names: [] }));
  const makeRequest = async (name: string, subject: string) => {
    const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
    await good('openssl', [
      'req',
      '-new',
      ...algorithm,
      '-subj',
      subject,
      '-keyout',
      world.at(`${name}.key`),
      '-out',
      world.at(`${name}.csr`),
    ]);
    return readFileSync(world.at(`${name}.csr`), 'utf8');
  };
  const keep = (name: string, der: Uint8Array) => writeFileSync(world.at(`${name}.crt`), encodePem('CERTIFICATE', der));
  const shown = (name: string) => ['--cert', world.at(`${name}.crt`), '--key', world.at(`${name}.key`)];
  const renew = (body: string, tls: string[], path = '/.well-known/est/simplereenroll') => post({ path, body, tls });

  it('fifty uses of one token at once get one license', async () => {
    const secret = await world.token(world.globex.contract, 'fifty');
    const use = async (body: string) => {
      let got = await post({ secret, body });
      // On a machine that is at its end some are told to ask again, which is no license either.
      while (got.code === 'DATABASE_BUSY') got = await post({ secret, body });
      return got;
    };
    const answers = await Promise.all(Array.from({ length: 50 }, () => use(csr())));
    const codes = answers.map(({ status, code }) => (status === 200 ? 'issued' : code)).sort();
    assert.deepEqual(codes, [...Array.from({ length: 49 }, () => 'TOKEN_USED'), 'issued']);
  });

  it('a lost answer is asked for again: same request, same license', async () => {
    const secret = await world.token(world.globex.contract, 'twice');
    const body = csr();
    const first = await post({ secret, body });
    assert.equal((await post({ secret, body })).text, first.text);
  });

  it('what is issued is a license with its chain from cacerts', async () => {
    const secret = await world.token(world.globex.contract, 'whole');
    const { der } = isIssued(await post({ secret, body: csr() }));
    const cas = await good('curl', [
      '-sS',
      '--cacert',
      world.at('root.pem'),
      `${world.base}/.well-known/est/globex.acme/cacerts`,
    ]);
    const chain = [der, ...decodeCertsOnly(fromBase64(cas, 'lenient'))].map((one) => encodePem('CERTIFICATE', one));
    const anchors = TrustAnchors.fromPem(readFileSync(world.at('root.pem'), 'utf8'));
    const verdict = verifyLicenseSync(chain.join(''), { anchors, at: new Date() });
    assert.equal(verdict.state, 'valid', JSON.stringify(verdict.codes));
    assert.equal(verdict.holder?.uri, 'license://globex.acme/whole');
  });

  for (const [what, asked, code] of [
    ['a token that never was', () => ({ secret: `licet-enrol.acme.${'A'.repeat(43)}` }), '403 TOKEN_UNKNOWN'],
    ['a text that is no token', () => ({ secret: 'hello' }), '403 TOKEN_UNKNOWN'],
    [
      'the label of another enterprise',
      async () => ({
        path: '/.well-known/est/initech.acme/simpleenroll',
        secret: await world.token(world.globex.contract, 'label'),
      }),
      '403 ENTERPRISE_MISMATCH',
    ],
    [
      'the label of another organization',
      async () => ({
        path: '/globex.evil/.well-known/est/simpleenroll',
        secret: await world.token(world.globex.contract, 'label'),
      }),
      '403 ENTERPRISE_MISMATCH',
    ],
    [
      'the name of another site',
      async () => ({
        secret: await world.token(world.globex.contract, 'mine'),
        body: await makeRequest('theirs', '/CN=theirs'),
      }),
      '403 TOKEN_NAME',
    ],
    [
      'the name of another site as its alternative name',
      async () => ({
        secret: await world.token(world.globex.contract, 'mine'),
        body: toBase64(
          csrFor({
            names: [],
            extensions: [extension.subjectAltName([{ kind: 'uri', value: 'license://globex.acme/theirs' }])],
          }),
        ),
      }),
      '403 SAN_MISMATCH',
    ],
    [
      'the label of nobody, to an API token',
      () => ({ path: '/.well-known/est/nobody.acme/simpleenroll', secret: world.apiToken, body: toBase64(csrFor()) }),
      '404 LABEL_UNKNOWN',
    ],
    [
      'no name, where the token leaves it open',
      async () => ({
        secret: await world.token(world.globex.contract),
        body: await makeRequest('nameless', '/CN=Not A Name'),
      }),
      '400 NAME_NEEDED',
    ],
    [
      'a signature that is not that of the key',
      async () => {
        const der = Uint8Array.from(csrFor({ names: [] }));
        der[der.length - 1]! ^= 1;
        return { secret: await world.token(world.globex.contract, 'forged'), body: toBase64(der) };
      },
      '400 CSR_SIGNATURE',
    ],
    ['an API token that was mistyped', () => ({ secret: `${world.apiToken.slice(0, -1)}_` }), '403 TOKEN_UNKNOWN'],
  ] as [string, () => Promise<Partial<Asked>> | Partial<Asked>, string][]) {
    it(`refuses ${what}`, async () => {
      const got = await post({ body: csr(), ...(await asked()) });
      assert.equal(`${got.status} ${got.code}`, code, got.text);
    });
  }

  it('a request may say what will be in the license, all of it or a part', async () => {
    const uri = { kind: 'uri', value: 'license://globex.acme/asks-for-itself' } as const;
    const names = [
      { type: 'commonName', value: 'asks-for-itself' },
      { type: 'organizationName', value: 'acme' },
    ];
    const body = toBase64(csrFor({ names, extensions: [extension.subjectAltName([uri])] }));
    isIssued(await post({ secret: await world.token(world.globex.contract, 'asks-for-itself'), body }));
  });

  it('what could not be renewed is not begun: other names are refused the first time already', async () => {
    const secret = await world.token(world.globex.contract, 'strict');
    for (const [subject, said] of [
      ['/CN=host.globex.example', 'host.globex.example'],
      ['/O=Internet Widgits/CN=strict', 'Internet Widgits'],
      ['/C=AU/CN=strict', 'AU'],
    ] as const) {
      const got = await post({ secret, body: await makeRequest('strict', subject) });
      assert.equal(`${got.status} ${got.code}`, '403 SUBJECT_MISMATCH');
      const own = 'O=acme, OU=globex, CN=strict';
      assert.ok(
        got.text.startsWith(`The request says "${said}", and the license is for ${own}; say that, or`),
        got.text,
      );
    }
    const names = [{ type: 'commonName', value: `two\nlines${'x'.repeat(500)}` }];
    const long = await post({ secret, body: toBase64(csrFor({ names })) });
    assert.match(
      long.text,
      /^The request says "two\\nlinesx{71}", and the license is for .*\n\(SUBJECT_MISMATCH, .*\n$/,
    );
    const host = [extension.subjectAltName([{ kind: 'dns', value: 'host.globex.example' }])];
    const got = await post({ secret, body: toBase64(csrFor({ names: [], extensions: host })) });
    assert.equal(`${got.status} ${got.code}`, '403 SAN_MISMATCH');
    isIssued(await post({ secret, body: await makeRequest('strict', '/CN=strict') }));
  });

  it('the CAs of nobody are not found, in the words of an address', async () => {
    for (const label of ['nobody', 'nobody.acme', 'globex.nobody']) {
      const url = `${world.base}/.well-known/est/${label}/cacerts`;
      const ran = await run('curl', ['-sS', '--cacert', world.at('root.pem'), '-w', '%{http_code}', url]);
      assert.match(ran.out, /^No enterprise is served under this address; [^]*LABEL_UNKNOWN[^]*404$/, ran.out);
    }
  });

  /** A request that is refused only when the site has been begun: in that moment the database turns out to be old. */
  const begins = async (name: string) => {
    const { fence } = world.authority;
    const secret = await world.token(world.globex.contract, name);
    const seen = mock.method(fence, 'assertOpen', () => fence.close('Something is missing.'), { times: 1 });
    const refused = await post({ secret, body: csr() });
    seen.mock.restore();
    fence.open();
    assert.equal(`${refused.status} ${refused.code}`, '503 FENCED');
  };

  it('a request while the database is old begins nothing: its token is good for whatever key comes later', async () => {
    const secret = await world.token(world.globex.contract, 'fenced');
    world.authority.fence.close('Something is missing.');
    const refused = await post({ secret, body: csr() });
    world.authority.fence.open();
    assert.equal(`${refused.status} ${refused.code}`, '503 FENCED');
    isIssued(await post({ secret, body: csr() }));
  });

  it('what a refused request has begun, another token for the same name goes on with; after that it is taken', async () => {
    const again = () => world.token(world.globex.contract, 'begun');
    await begins('begun');
    isIssued(await post({ secret: await again(), body: csr() }));
    const third = await post({ secret: await again(), body: csr() });
    assert.equal(`${third.status} ${third.code}`, '409 SITE_EXISTS');
    assert.match(third.text, /^A site named "begun" is there already; have a token made for that site/);
  });

  it('a site that was made for somebody else is not taken by who may choose a name', async () => {
    await begins('promised');
    const open = await world.token(world.globex.contract);
    const got = await post({ secret: open, body: await makeRequest('promised', '/CN=promised') });
    assert.equal(`${got.status} ${got.code}`, '409 SITE_EXISTS', got.text);
  });

  it('an API token makes the site and its license in one step, once', async () => {
    const body = await makeRequest('by-token', '/CN=by-token');
    const path = '/.well-known/est/globex.acme/simpleenroll';
    const first = isIssued(await post({ path, secret: world.apiToken, body }));
    assert.deepEqual(isIssued(await post({ path, secret: world.apiToken, body })).der, first.der);
    const again = await post({ path, secret: world.apiToken, body: await makeRequest('by-token2', '/CN=by-token') });
    assert.equal(again.status, 409, again.text);
  });

  it('a renewal at the address of another enterprise, a second one, and a revoked license', async () => {
    const body = await makeRequest('ratchet', '/CN=ratchet');
    const secret = await world.token(world.globex.contract, 'ratchet');
    const first = isIssued(await post({ secret, body }));
    keep('ratchet', first.der);
    const tls = shown('ratchet');
    const foreign = await renew(csr(), tls, '/.well-known/est/initech.acme/simplereenroll');
    assert.equal(`${foreign.status} ${foreign.code}`, '403 ENTERPRISE_MISMATCH');
    const asked = csr();
    const second = await renew(asked, tls);
    isIssued(second);
    assert.equal((await renew(asked, tls)).text, second.text, 'the same request, the same license');
    const fork = await renew(csr(), tls);
    assert.equal(`${fork.status} ${fork.code}`, '403 CLONE_SUSPECTED', fork.text);
    const serial = toHex(first.serial);
    await world.database.run({ organization: 'acme' }, (tx) =>
      world.deps.stores.licenses.setStatus(tx, [serial], 'revoked'),
    );
    assert.equal((await renew(asked, tls)).code, 'LICENSE_REVOKED');
  });

  it('strongSwan pki enrols and renews', async () => {
    const url = ['--url', `${world.base}/globex`, '--cacert', world.at('root.pem'), '--outform', 'pem'];
    const dn = 'O=acme, OU=globex, CN=swan';
    const request = async (name: string) => {
      writeFileSync(
        world.at(`${name}.key`),
        await good('pki', ['--gen', '--type', 'ecdsa', '--size', '256', '--outform', 'pem']),
      );
      const made = await good('pki', [
        '--req',
        '--type',
        'priv',
        '--in',
        world.at(`${name}.key`),
        '--dn',
        dn,
        '--outform',
        'pem',
      ]);
      writeFileSync(world.at(`${name}.csr`), made);
      return ['--in', world.at(`${name}.csr`)];
    };
    const secret = await world.token(world.globex.contract, 'swan');
    writeFileSync(
      world.at('swan.crt'),
      await good('pki', ['--est', ...url, ...(await request('swan')), '--userpass', `x:${secret}`]),
    );
    const second = await good('pki', ['--est', ...url, ...(await request('swan2')), ...shown('swan')]);
    assert.match(second, /BEGIN CERTIFICATE/);
  });

  describe('renewal information', () => {
    const ask = async (name: string) => {
      const out = await good('curl', [
        '-sS',
        '-D',
        '-',
        '--cacert',
        world.at('root.pem'),
        `${world.base}/api/v1/renewal-info/${name}`,
      ]);
      const [head = '', body = ''] = out.split('\r\n\r\n');
      return {
        head,
        body: JSON.parse(body) as {
          suggestedWindow: { start: string; end: string };
          explanation?: string;
          code?: string;
        },
      };
    };

    it('is a window between a half and two thirds of the life, by serial and by certificate identifier', async () => {
      const license = isIssued(await post({ secret: await world.token(world.globex.contract, 'window'), body: csr() }));
      const { head, body } = await ask(toHex(license.serial));
      const life = license.notAfter.getTime() - license.notBefore.getTime();
      const part = (time: string) => (Date.parse(time) - license.notBefore.getTime()) / life;
      assert.ok(part(body.suggestedWindow.start) >= 0.5 && part(body.suggestedWindow.end) <= 2 / 3 + 1e-6);
      assert.match(head, /retry-after: \d+\r/i);
      const identifier = [license.extensions.authorityKeyIdentifier!.keyIdentifier!, license.serial].map((bytes) =>
        Buffer.from(bytes).toString('base64url'),
      );
      assert.deepEqual((await ask(identifier.join('.'))).body, body);
      assert.equal((await ask('00ff')).body.code, 'LICENSE_NOT_FOUND');
      assert.equal((await ask('no-serial')).body.code, 'LICENSE_NOT_FOUND');

      const soon = Date.now() + 3_600_000;
      const incident = { enterprise: world.globex.enterprise.id, explanation: 'A CA key is being replaced.', hours: 1 };
      const declare = (body: object, token: string) =>
        run('curl', [
          '-sS',
          '--cacert',
          world.at('root.pem'),
          '-H',
          `Authorization: Bearer ${token}`,
          '-H',
          'Content-Type: application/json',
          '-d',
          JSON.stringify(body),
          '-w',
          '%{http_code}',
          '-o',
          '/dev/null',
          `${world.base}/api/v1/renewal-incidents`,
        ]);
      assert.equal((await declare(incident, 'nobody')).out, '401');
      assert.equal((await declare({ ...incident, enterprise: undefined }, world.apiToken)).out, '400', 'never for all');
      // What was issued before it, by at least the five minutes that certificates are dated back.
      assert.equal((await declare(incident, world.apiToken)).out, '201');
      const now = (await ask(toHex(license.serial))).body;
      assert.equal(now.explanation, 'A CA key is being replaced.');
      assert.ok(Date.parse(now.suggestedWindow.end) <= soon + 5000);
      const other = isIssued(await post({ secret: await world.token(world.initech.contract, 'window'), body: csr() }));
      assert.equal((await ask(toHex(other.serial))).body.explanation, undefined, 'it concerns one enterprise');
    });
  });
});
