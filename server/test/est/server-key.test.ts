import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { makeCsr } from '@licet/authority/workshop';
import { decodeCertificate, decodeCertsOnly, fromBase64 } from '@licet/format';
import { ask, basic, licensed, PKCS10, wrap } from './asking.ts';
import { type EstServer, estServer } from './est-server.ts';
import { csrFor } from './requests.ts';

describe('serverkeygen', function () {
  this.timeout(20_000);
  let giving: EstServer;
  before(async () => {
    giving = await estServer({ serverKeyGeneration: true });
  });
  after(() => giving?.close());

  it('that is to encrypt the key is refused, RFC 7030 §4.4.1, and the token is not spent', async () => {
    const headers = { ...PKCS10, authorization: basic(giving.office.token()) };
    const path = '/.well-known/est/serverkeygen';
    for (const oid of ['1.2.840.113549.1.9.16.2.37', '1.2.840.113549.1.9.16.2.54']) {
      const body = wrap(csrFor({ attributes: [{ oid, values: [Uint8Array.of(4, 1, 1)] }] }));
      const got = await ask(giving, path, { method: 'POST', headers, body });
      assert.equal(`${got.status} ${String(got.headers['x-licet-code'])}`, '400 KEY_ENCRYPTION_UNAVAILABLE');
      assert.ok(!got.body.includes('pkcs8'));
    }
    assert.equal((await ask(giving, path, { method: 'POST', headers, body: wrap(csrFor()) })).status, 200);
  });

  it('has nobody asked about a key that is kept nowhere', async () => {
    giving.office.instead = () => ({ outcome: 'pending', retryAfterSeconds: 30 });
    const headers = { ...PKCS10, authorization: basic(giving.office.token()) };
    const asked = { method: 'POST', headers, body: wrap(csrFor()) };
    const got = await ask(giving, '/.well-known/est/serverkeygen', asked);
    assert.equal(`${got.status} ${String(got.headers['x-licet-code'])}`, '409 SERVER_KEY_NOT_KEPT');
    assert.equal(giving.office.mayWait, false);
    giving.office.instead = undefined;
  });

  it('makes no key for a renewal: a site that loses the answer asks again, and is no clone for it', async () => {
    const site = await licensed(giving);
    for (const _ of ['the answer is lost', 'the same again']) {
      const asked = { method: 'POST', headers: PKCS10, body: wrap(csrFor()), ...site.tls };
      const got = await ask(giving, '/.well-known/est/serverkeygen', asked);
      assert.equal(`${got.status} ${String(got.headers['x-licet-code'])}`, '409 SERVER_KEY_AT_RENEWAL');
    }
    assert.equal((await site.renew(wrap(csrFor()))).status, 200);
    const headers = { ...PKCS10, authorization: basic(giving.office.token()) };
    const anew = { method: 'POST', headers, body: wrap(csrFor()), ...site.tls };
    assert.equal(
      (await ask(giving, '/.well-known/est/serverkeygen', anew)).status,
      200,
      'by a token it is a first one',
    );
  });

  it('answers the key and its certificate in two parts', async () => {
    const headers = { ...PKCS10, authorization: basic(giving.office.token()) };
    const got = await ask(giving, '/.well-known/est/serverkeygen', {
      method: 'POST',
      headers,
      body: wrap(makeCsr()),
    });
    assert.equal(got.status, 200, got.body);
    assert.equal(got.headers['content-length'], String(got.body.length));
    const [, boundary = ''] = /^multipart\/mixed; boundary=([\w-]+)$/.exec(String(got.headers['content-type'])) ?? [];
    const [, first = '', second = '', end] = got.body.split(`--${boundary}`);
    assert.equal(end, '--\r\n');
    const read = (part: string) => {
      const [head = '', text = ''] = part.split('\r\n\r\n');
      assert.match(head, /Content-Transfer-Encoding: base64/);
      return { head, bytes: fromBase64(text, 'lenient') };
    };
    const key = read(first);
    const certificate = read(second);
    assert.match(key.head, /Content-Type: application\/pkcs8/);
    assert.match(certificate.head, /Content-Type: application\/pkcs7-mime; smime-type=certs-only/);
    const privateKey = createPrivateKey({ key: Buffer.from(key.bytes), format: 'der', type: 'pkcs8' });
    const { publicKey } = decodeCertificate(decodeCertsOnly(certificate.bytes)[0]!);
    assert.deepEqual(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }), Buffer.from(publicKey.raw));
  });
});
