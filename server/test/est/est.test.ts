import assert from 'node:assert/strict';
import { sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { connect, type TLSSocket } from 'node:tls';
import { requireTool } from '@licet/checks';
import {
  decodeCertificate,
  decodeCertsOnly,
  encodePem,
  extension,
  fromBase64,
  fromHex,
  OID,
  predecessorAttribute,
  toBase64,
  toHex,
} from '@licet/format';
import { renewalMessage } from '@licet/verify';
import { Admission } from '../../http/admission.ts';
import { wrappingOf } from '../../http/est/transfer.ts';
import { eventually } from '../frame/served.ts';
import { createLimiter } from '../../licensing/access/limits.ts';
import { LicetError } from '../../licensing/errors.ts';
import { ask, type Asking, basic, enrol, type Got, licensed, PKCS10, wrap } from './asking.ts';
import { type EstServer, estServer, run } from './est-server.ts';
import { csrFor, NAME, newKeys, type Wish } from './requests.ts';

describe('EST, RFC 7030 and RFC 8951', function () {
  this.timeout(20_000);
  let server: EstServer;
  before(async () => {
    server = await estServer();
  });
  after(() => server.close());

  describe('transfer', () => {
    const isCertificate = ({ status, headers, body }: Got) => {
      assert.equal(status, 200, body);
      assert.equal(headers['content-type'], 'application/pkcs7-mime; smime-type=certs-only');
      assert.equal(headers['content-transfer-encoding'], 'base64');
      assert.equal(headers['content-length'], String(body.length));
      assert.equal(headers['transfer-encoding'], undefined);
      assert.equal(decodeCertsOnly(fromBase64(body, 'lenient')).length, 1);
    };
    const LINES = /^(?:[\w+/]{64}\n)*[\w+/=]{1,64}\n$/;
    const FLAT = /^[\w+/=]+$/;

    it('base64 in one line is answered in one line', async () => {
      const got = await enrol(server, toBase64(csrFor()));
      isCertificate(got);
      assert.match(got.body, FLAT);
    });
    for (const end of ['\n', '\r\n']) {
      it(`base64 in lines that end with ${JSON.stringify(end)} is answered in lines of 64`, async () => {
        const got = await enrol(server, wrap(csrFor()).replaceAll('\n', end));
        isCertificate(got);
        assert.match(got.body, LINES);
      });
    }
    it('PEM is read, also under its old label', async () => {
      isCertificate(await enrol(server, encodePem('CERTIFICATE REQUEST', csrFor())));
      isCertificate(await enrol(server, encodePem('NEW CERTIFICATE REQUEST', csrFor())));
    });
    it('plain DER is read, and answered in lines whether or not one of its bytes looks like a line end', async () => {
      const got = await enrol(server, csrFor());
      isCertificate(got);
      assert.match(got.body, LINES);
      assert.equal(wrappingOf(Uint8Array.of(0x30, 0)), 'lines');
    });
    it('a charset beside the type says nothing about base64', async () => {
      for (const charset of ['ISO-8859-1', '"us-ascii"']) {
        const headers = { 'content-type': `application/pkcs10; charset=${charset}` };
        isCertificate(await enrol(server, wrap(csrFor()), { headers }));
      }
    });
    it('a password is taken whatever the user is called, after two spaces, and with the end of its line', async () => {
      for (const make of [
        (secret: string) => `Basic ${Buffer.from(`:${secret}`).toString('base64')}`,
        (secret: string) => `basic ${Buffer.from(`Jürgen Müller:${secret}`).toString('base64')}`,
        (secret: string) => `Basic  ${Buffer.from(`x:${secret}\r\n`).toString('base64')}`,
        (secret: string) => `Bearer ${secret}`,
      ]) {
        const headers = { authorization: make(server.office.token()) };
        isCertificate(await enrol(server, wrap(csrFor()), { headers }));
      }
    });
    it('the very type of the answer is accepted', async () => {
      const headers = { accept: 'application/pkcs7-mime; smime-type=certs-only' };
      isCertificate(await enrol(server, wrap(csrFor()), { headers }));
    });
    it('a body in chunks is read', async () => {
      const headers = { 'transfer-encoding': 'chunked' };
      isCertificate(await enrol(server, wrap(csrFor()), { headers }));
    });
    it('cacerts goes in one line to who names nothing, as strongSwan, and in lines to others', async () => {
      const path = '/.well-known/est/cacerts';
      const flat = await ask(server, path);
      assert.match(flat.body, FLAT);
      assert.equal(flat.headers['content-type'], 'application/pkcs7-mime');
      assert.equal(flat.headers['content-length'], String(flat.body.length));
      assert.match((await ask(server, path, { headers: { 'user-agent': 'libest 3.2.0p' } })).body, LINES);
      assert.match((await ask(server, path, { headers: { accept: '*/*' } })).body, LINES);
    });
    it('cacerts has the root and every CA below it, under every form of its address', async () => {
      for (const path of [
        '/.well-known/est',
        '/.well-known/est/globex',
        '/.well-known/est/globex.acme',
        '/globex/.well-known/est',
        '/globex//.well-known/est',
      ]) {
        const { body } = await ask(server, `${path}/cacerts`);
        const certificates = decodeCertsOnly(fromBase64(body)).map((der) => decodeCertificate(der));
        assert.equal(certificates.length, 3, path);
        assert.deepEqual(certificates.at(-1)!.subject.raw, certificates.at(-1)!.issuer.raw);
      }
    });
  });

  describe('refusals are short text with a stable code', () => {
    const isRefused = ({ status, headers, body }: Got, expected: number, code: string) => {
      assert.equal(`${status} ${String(headers['x-licet-code'])}`, `${expected} ${code}`, body);
      assert.equal(headers['content-type'], 'text/plain; charset=utf-8');
      assert.equal(headers['content-length'], String(Buffer.byteLength(body, 'latin1')));
      assert.ok(body.length < 500 && body.includes(code));
      assert.equal(headers['www-authenticate'] !== undefined, expected === 401);
    };
    const path = '/.well-known/est/simpleenroll';
    const post = (options: Asking) => ask(server, path, { method: 'POST', ...options });

    it('a wrong path or method, below whatever form of the address', async () => {
      for (const prefix of ['/.well-known/est', '/.well-known/est/globex.acme', '/globex/.well-known/est']) {
        for (const rest of ['', '/', '/cacert', '/fullcmc', '/a/b/cacerts']) {
          isRefused(await ask(server, prefix + rest), 404, 'ROUTE_NOT_FOUND');
        }
        isRefused(await ask(server, `${prefix}/fullcmc`, { method: 'POST', body: 'x' }), 404, 'ROUTE_NOT_FOUND');
        const wrong = await ask(server, `${prefix}/simpleenroll`);
        isRefused(wrong, 405, 'METHOD_NOT_ALLOWED');
        assert.equal(wrong.headers['allow'], 'OPTIONS, POST');
      }
      const { headers } = await ask(server, '/.well-known/estimate');
      assert.equal(headers['content-type'], 'application/problem+json');
    });
    it('an address that cannot be read, or is too long', async () => {
      for (const prefix of ['/.well-known/est', '/.well-known/est/%ff', '/globex/.well-known/est', '/%e0%a4%a']) {
        const address = prefix.startsWith('/%') ? `${prefix}/.well-known/est` : prefix;
        isRefused(await ask(server, `${address}/%zz/cacerts`), 400, 'PATH_MALFORMED');
        isRefused(await ask(server, `${address}/cacerts?${'a'.repeat(5000)}`), 414, 'URL_TOO_LONG');
      }
      isRefused(await ask(server, `/.well-known/est?${'a'.repeat(5000)}`), 414, 'URL_TOO_LONG');
      for (const elsewhere of ['/a/b/.well-known/est/', '/.well-known/estimate/', '/?/.well-known/est/']) {
        const { status, headers } = await ask(server, elsewhere + 'a'.repeat(5000));
        assert.equal(`${status} ${String(headers['content-type'])}`, '414 application/problem+json', elsewhere);
      }
    });
    it('nobody said who asks: 401 with Basic', async () => {
      const got = await post({ headers: PKCS10, body: wrap(csrFor()) });
      isRefused(got, 401, 'CREDENTIALS_MISSING');
      assert.equal(got.headers['www-authenticate'], 'Basic realm="licet", charset="UTF-8"');
    });
    it('an empty password is no credential', async () => {
      isRefused(
        await post({ headers: { ...PKCS10, authorization: basic('') }, body: 'x' }),
        401,
        'CREDENTIALS_MISSING',
      );
    });
    it('a wrong token: 403 and no challenge, or clients would ask for ever', async () => {
      const headers = { authorization: basic('licet_enrol_wrong') };
      isRefused(await enrol(server, wrap(csrFor()), { headers }), 403, 'TOKEN_UNKNOWN');
    });
    it('a used token', async () => {
      const headers = { authorization: basic(server.office.token()) };
      const csr = wrap(csrFor());
      const first = await enrol(server, csr, { headers });
      assert.equal((await enrol(server, csr, { headers })).body, first.body, 'the same request gets the same answer');
      isRefused(await enrol(server, wrap(csrFor()), { headers }), 403, 'TOKEN_USED');
    });
    it('a label of nobody, and one that is none', async () => {
      for (const label of ['initech', 'a.b.c', 'UPPER', '..%2f..']) {
        isRefused(await ask(server, `/.well-known/est/${label}/cacerts`), 404, 'LABEL_UNKNOWN');
      }
    });
    it('no PKCS#10', async () => {
      isRefused(await enrol(server, ''), 400, 'CSR_MISSING');
      for (const body of [
        'hello',
        toBase64(Uint8Array.of(0x30, 0)),
        Uint8Array.of(0x30, 0x80),
        encodePem('CERTIFICATE', csrFor()),
      ]) {
        isRefused(await enrol(server, body), 400, 'CSR_INVALID');
      }
    });
    it('another type, and a body that is too large', async () => {
      isRefused(
        await enrol(server, wrap(csrFor()), { headers: { 'content-type': 'text/plain' } }),
        415,
        'TYPE_UNSUPPORTED',
      );
      isRefused(await enrol(server, 'A'.repeat(16 * 1024 + 1)), 413, 'BODY_TOO_LARGE');
    });
    it('a renewal without the license', async () => {
      const headers = { ...PKCS10, authorization: basic(server.office.token()) };
      const renewal = await ask(server, '/.well-known/est/simplereenroll', {
        method: 'POST',
        headers,
        body: wrap(csrFor()),
      });
      isRefused(renewal, 403, 'LICENSE_NOT_SHOWN');
    });
    it('overload: 503, and the waits are spread', async () => {
      server.office.instead = () => {
        throw new LicetError('unavailable', 'BUSY', 'Too much at once; ask again later.', { retryAfterSeconds: 60 });
      };
      const waits = new Set<number>();
      for (let tries = 0; tries < 8; tries++) {
        const got = await enrol(server, wrap(csrFor()));
        isRefused(got, 503, 'BUSY');
        waits.add(Number(got.headers['retry-after']));
      }
      server.office.instead = undefined;
      assert.ok(
        [...waits].every((wait) => Number.isInteger(wait) && wait >= 60 && wait <= 120),
        [...waits].join(),
      );
      assert.ok(waits.size > 2, 'not all at once again');
    });
    it('somebody has to approve: 202 with Retry-After in whole seconds', async () => {
      server.office.instead = () => ({ outcome: 'pending', retryAfterSeconds: 30 });
      const got = await enrol(server, wrap(csrFor()));
      server.office.instead = undefined;
      assert.equal(got.status, 202);
      assert.equal(server.office.mayWait, true);
      assert.match(String(got.headers['retry-after']), /^\d+$/);
    });
    it('server-made keys are off', async () => {
      const headers = { ...PKCS10, authorization: basic(server.office.token()) };
      isRefused(
        await ask(server, '/.well-known/est/serverkeygen', { method: 'POST', headers, body: 'x' }),
        404,
        'SERVER_KEYS_OFF',
      );
    });

    describe('at a renewal', () => {
      it('one site that asks on and on: 429 with Retry-After, and others are served', async () => {
        const site = await licensed(server);
        const [wide, narrow] = [
          { burst: 100, everySeconds: 1 },
          { burst: 2, everySeconds: 60 },
        ];
        const rates = { organization: wide, token: wide, address: wide, site: narrow };
        server.office.limiter = createLimiter(rates, server.office.workshop.clock);
        const csr = wrap(csrFor());
        const answers = [await site.renew(csr), await site.renew(csr), await site.renew(csr)];
        const other = await enrol(server, wrap(csrFor()));
        server.office.limiter = undefined;
        assert.deepEqual(
          [...answers, other].map(({ status }) => status),
          [200, 200, 429, 200],
        );
        isRefused(answers[2]!, 429, 'TOO_MANY_REQUESTS');
        assert.ok(Number(answers[2]!.headers['retry-after']) >= 60);
      });
      it('a license that is revoked or suspended, on a connection that is open already', async () => {
        const site = await licensed(server);
        for (const [status, code] of [
          ['revoked', 'LICENSE_REVOKED'],
          ['suspended', 'LICENSE_SUSPENDED'],
        ] as const) {
          server.office.setStatus(site.serial, status);
          isRefused(await site.renew(wrap(csrFor())), 403, code);
        }
        server.office.setStatus(site.serial, 'current');
        assert.equal((await site.renew(wrap(csrFor()))).status, 200);
      });
      it('another request for a predecessor that is used', async () => {
        const site = await licensed(server);
        const csr = wrap(csrFor());
        const first = await site.renew(csr);
        assert.equal((await site.renew(csr)).body, first.body);
        isRefused(await site.renew(wrap(csrFor())), 409, 'LINEAGE_FORKED');
      });
      it('a client certificate of somebody else', async () => {
        const other = await estServer();
        const stranger = await licensed(other);
        await other.close();
        const got = await ask(server, '/.well-known/est/simplereenroll', {
          method: 'POST',
          headers: PKCS10,
          body: wrap(csrFor()),
          ...stranger.tls,
        });
        isRefused(got, 403, 'LICENSE_UNKNOWN');
      });
      it('a certificate that only looks like the license: same names, same serial, own key', async function () {
        requireTool(this, 'openssl');
        const site = await licensed(server);
        const files = [server.at('forged.key'), server.at('forged.crt')] as const;
        const names = ['-subj', '/O=acme/OU=globex/CN=plant-7', '-set_serial', `0x${site.serial}`, '-days', '2'];
        const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
        const made = await run('openssl', [
          'req',
          '-x509',
          ...algorithm,
          ...names,
          '-keyout',
          files[0],
          '-out',
          files[1],
        ]);
        assert.equal(made.code, 0, made.err);
        const tls = { key: readFileSync(files[0]), cert: readFileSync(files[1]) };
        isRefused(await site.renew(wrap(csrFor()), tls), 403, 'LICENSE_UNKNOWN');
      });
      it('expired and beyond its grace; within it the renewal is given', async () => {
        const site = await licensed(server);
        const { workshop } = server.office;
        const start = workshop.now;
        try {
          workshop.now = new Date(start.getTime() + 35 * 86_400_000);
          const inGrace = await site.renew(wrap(csrFor()));
          assert.equal(inGrace.status, 200, inGrace.body);
          workshop.now = new Date(start.getTime() + 60 * 86_400_000);
          isRefused(await site.renew(wrap(csrFor())), 403, 'LICENSE_EXPIRED');
        } finally {
          workshop.now = start;
        }
      });

      const names = (commonName: string) => [...NAME.slice(0, 2), { type: 'commonName', value: commonName }];
      const uri = (value: string) => [extension.subjectAltName([{ kind: 'uri', value }])];
      const change = { oid: OID.changeSubjectName, values: [Uint8Array.of(0x30, 0)] };
      for (const [what, wish, code] of [
        ['the name of another site', { names: names('plant-8') }, 'SUBJECT_MISMATCH'],
        ['another enterprise', { names: [{ type: 'organizationalUnitName', value: 'initech' }] }, 'SUBJECT_MISMATCH'],
        ['a part of a name too many', { names: [...NAME, { type: 'countryName', value: 'AU' }] }, 'SUBJECT_MISMATCH'],
        ['another alternative name', { extensions: uri('license://globex.acme/plant-8') }, 'SAN_MISMATCH'],
        [
          'one alternative name more',
          {
            extensions: [
              extension.subjectAltName([
                { kind: 'uri', value: 'license://globex.acme/plant-7' },
                { kind: 'dns', value: 'acme.example' },
              ]),
            ],
          },
          'SAN_MISMATCH',
        ],
        ['a change of the name', { attributes: [change] }, 'NAME_CHANGE_REFUSED'],
      ] as const) {
        it(`a request with ${what}`, async () => {
          const site = await licensed(server);
          isRefused(await site.renew(wrap(csrFor(wish as unknown as Wish))), 403, code);
        });
      }
      for (const [what, wish] of [
        [
          'its name in other letters and spaces',
          { names: [...NAME.slice(0, 2), { type: 'commonName', value: ' PLANT-7 ' }] },
        ],
        ['its common name alone, as certmonger keeps it', { names: NAME.slice(2) }],
        ['its alternative name', { extensions: uri('license://GLOBEX.acme/plant-7') }],
        ['no name at all', { names: [] }],
      ] as const) {
        it(`a request with ${what} is granted`, async () => {
          const site = await licensed(server);
          const got = await site.renew(wrap(csrFor(wish as unknown as Wish)));
          assert.equal(got.status, 200, got.body);
        });
      }
      it('the same key again is a renewal too', async () => {
        const site = await licensed(server);
        assert.equal((await site.renew(wrap(csrFor({ keys: site.keys })))).status, 200);
      });
      it('simpleenroll with a license is the renewal', async () => {
        const site = await licensed(server);
        const got = await ask(server, path, { method: 'POST', headers: PKCS10, body: wrap(csrFor()), ...site.tls });
        assert.equal(got.status, 200, got.body);
        assert.equal(server.office.asked.at(-1), `after ${site.serial}`);
      });
    });
  });

  describe('channel binding, RFC 7030 §3.5', () => {
    /** Two requests on one connection: the request can be made when the session is there. */
    const bound = async (options: object, make: (socket: TLSSocket) => string | undefined, on = server) => {
      const socket = connect({
        host: 'localhost',
        port: on.port,
        servername: 'localhost',
        rejectUnauthorized: false,
        ...options,
      });
      await new Promise((resolve) => socket.once('secureConnect', resolve));
      const session = socket.getSession();
      const password = make(socket);
      const got = await enrol(on, wrap(csrFor(password === undefined ? {} : { password })), {
        agent: undefined,
        createConnection: () => socket,
      });
      return { got, session, reused: socket.isSessionReused() };
    };
    const tls12 = { minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' };
    const tls13 = { minVersion: 'TLSv1.3' };
    const unique = (socket: TLSSocket) => socket.getFinished()!.toString('base64');
    const uniqueResumed = (socket: TLSSocket) => socket.getPeerFinished()!.toString('base64');
    const exporter = (socket: TLSSocket) =>
      socket.exportKeyingMaterial(32, 'EXPORTER-Channel-Binding', Buffer.alloc(0)).toString('base64');

    it('tls-unique of TLS 1.2', async () => assert.equal((await bound(tls12, unique)).got.status, 200));
    it('tls-unique of a resumed session is the Finished of the server', async () => {
      const { session } = await bound(tls12, unique);
      const resumed = await bound({ ...tls12, session }, uniqueResumed);
      assert.ok(resumed.reused, 'the session was resumed');
      assert.equal(resumed.got.status, 200, resumed.got.body);
    });
    it('tls-exporter of TLS 1.3', async () => assert.equal((await bound(tls13, exporter)).got.status, 200));
    for (const [what, options, password] of [
      ['that of another TLS 1.2 session', tls12, Buffer.alloc(12).toString('base64')],
      ['that of another TLS 1.3 session', tls13, Buffer.alloc(32).toString('base64')],
      ['a password of a person', tls13, 'secret'],
    ] as const) {
      it(`refuses ${what}`, async () => {
        const { got } = await bound(options, () => password);
        assert.equal(got.status, 403);
        assert.equal(got.headers['x-licet-code'], 'CHANNEL_BINDING_WRONG');
      });
    }
    it('refuses a request without, where it is required, and csrattrs says so', async () => {
      const strict = await estServer({ requireChannelBinding: true });
      try {
        const { got } = await bound(tls13, () => undefined, strict);
        assert.equal(got.headers['x-licet-code'], 'CHANNEL_BINDING_MISSING');
        assert.equal((await bound(tls13, exporter, strict)).got.status, 200);
        const { body } = await ask(strict, '/.well-known/est/csrattrs');
        // OBJECT IDENTIFIER challengePassword
        assert.ok(toHex(fromBase64(body)).includes('06092a864886f70d010907'));
      } finally {
        await strict.close();
      }
    });
  });

  describe('a renewal that shows its license in the request, for keys that TLS cannot use', () => {
    type Vouch = { by?: ReturnType<typeof newKeys>; over?: ReturnType<typeof newKeys>; serial?: string };
    const vouched = (site: Awaited<ReturnType<typeof licensed>>, { by, over, serial }: Vouch = {}) => {
      const keys = newKeys();
      const spki = (over ?? keys).publicKey.export({ type: 'spki', format: 'der' });
      const signature = new Uint8Array(
        sign('sha256', renewalMessage(new Uint8Array(spki)), (by ?? site.keys).privateKey),
      );
      return csrFor({
        keys,
        attributes: [predecessorAttribute({ serial: fromHex(serial ?? site.serial), signature })],
      });
    };
    const renew = (csr: Uint8Array) =>
      ask(server, '/.well-known/est/simplereenroll', { method: 'POST', headers: PKCS10, body: toBase64(csr) });
    const codeOf = async (csr: Uint8Array) => (await renew(csr)).headers['x-licet-code'];

    it('is granted, and again the same', async () => {
      const site = await licensed(server);
      const csr = vouched(site);
      const first = await renew(csr);
      assert.equal(first.status, 200, first.body);
      assert.equal((await renew(csr)).body, first.body);
    });
    it('is refused when another key vouches, or for another key, or for a license that is not ours or revoked', async () => {
      const site = await licensed(server);
      assert.equal(await codeOf(vouched(site, { by: newKeys() })), 'PROOF_WRONG');
      assert.equal(await codeOf(vouched(site, { over: newKeys() })), 'PROOF_WRONG');
      assert.equal(await codeOf(vouched(site, { serial: '0123456789' })), 'LICENSE_UNKNOWN');
      server.office.setStatus(site.serial, 'revoked');
      assert.equal(await codeOf(vouched(site)), 'LICENSE_REVOKED');
    });
  });

  it('csrattrs names the key we like, and to a license the names of its renewal, RFC 9908', async () => {
    const anybody = await ask(server, '/.well-known/est/csrattrs');
    assert.equal(anybody.headers['content-type'], 'application/csrattrs');
    const wanted = '3021301506072a8648ce3d0201310a06082a8648ce3d03010706082a8648ce3d040302';
    assert.equal(toHex(fromBase64(anybody.body)), wanted);
    const site = await licensed(server);
    const { body } = await ask(server, '/.well-known/est/csrattrs', site.tls);
    const hex = toHex(fromBase64(body));
    assert.ok(hex.includes(toHex(Buffer.from('license://globex.acme/plant-7'))), 'the alternative name');
    assert.ok(hex.includes(toHex(site.certificate.subject.raw)), 'the subject, in the template');
  });

  describe('in a rush', () => {
    const clock = { now: () => new Date() };
    const open = async (patienceMs: number) => {
      const admission = new Admission({ clock, patienceMs, bounds: { least: 1, most: 1 } });
      const busy = await estServer({}, {}, { admission });
      const hold = async () => {
        const { promise, resolve: letGo } = Promise.withResolvers<void>();
        const held = admission.through(
          () => undefined,
          () => promise,
        );
        await eventually(() => admission.counts.inside === 1, 'the door is held');
        return async () => {
          letGo();
          await held;
        };
      };
      return { admission, busy, hold };
    };

    it('those go first whose license ends first, as their TLS certificate says it', async () => {
      const { admission, busy, hold } = await open(10_000);
      const { office } = busy;
      const near = await licensed(busy);
      office.workshop.now = new Date(Date.now() + 10 * 86_400_000);
      const far = await licensed(busy);
      const letGo = await hold();
      const asked = [far.renew(csrFor())];
      await eventually(() => admission.counts.waiting === 1, 'the first waits');
      asked.push(near.renew(csrFor()));
      await eventually(() => admission.counts.waiting === 2, 'both wait');
      await letGo();
      assert.deepEqual(
        (await Promise.all(asked)).map(({ status }) => status),
        [200, 200],
      );
      assert.deepEqual(office.asked.slice(-2), [`after ${near.serial}`, `after ${far.serial}`]);
      await busy.close();
    });

    it('the others hear when to come back, in plain text, and cacerts is answered', async () => {
      const { busy, hold } = await open(50);
      const site = await licensed(busy);
      const letGo = await hold();
      const { status, headers, body } = await site.renew(csrFor());
      assert.deepEqual([status, headers['x-licet-code']], [503, 'BUSY']);
      assert.match(String(headers['content-type']), /^text\/plain/);
      assert.ok(Number(headers['retry-after']) >= 2, body);
      assert.equal((await ask(busy, '/.well-known/est/cacerts')).status, 200);
      await letGo();
      assert.equal((await site.renew(csrFor())).status, 200);
      await busy.close();
    });
  });
});
