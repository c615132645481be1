import assert from 'node:assert/strict';
import { hash, randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { connect } from 'node:net';
import { buffer, text } from 'node:stream/consumers';
import type { Signer } from '@licet/authority';
import {
  type Bytes,
  createAlgorithm,
  decodeOcspResponse,
  encodeCertId,
  encodeOcspRequest,
  OID,
  type OcspResponse,
} from '@licet/format';
import { checkOcspSync } from '@licet/verify';
import { type TestDatabase, testDatabase } from '../../persistence/test/test-database.ts';
import { type License, Shop } from './shop.ts';

const DAY = 86_400_000;
type HashName = 'sha1' | 'sha256' | 'sha384';

describe('OCSP over HTTP', () => {
  let database: TestDatabase;
  let shop: Shop;
  let license: License;
  before(async function () {
    database = await testDatabase(this);
    shop = await Shop.open(database, 1);
    license = await shop.license();
  });
  after(async () => {
    await shop?.close();
    await database?.close();
  });

  const certId = (serial: Bytes, name: HashName = 'sha1', parameters?: 'null') => ({
    raw: encodeCertId({
      hashAlgorithm: createAlgorithm(OID[name], parameters),
      issuerNameHash: hash(name, shop.enterprise.certificate!.subject.raw, 'buffer'),
      issuerKeyHash: hash(name, shop.enterprise.certificate!.publicKey.key, 'buffer'),
      serial,
    }),
  });
  const requestFor = (...serials: readonly Bytes[]) =>
    encodeOcspRequest({ requests: serials.map((serial) => certId(serial)) });
  const pathFor = (der: Uint8Array) => `/ocsp/${encodeURIComponent(Buffer.from(der).toString('base64'))}`;

  /** The path exactly as it is given: fetch would tidy it up. */
  async function send(path: string, options: RequestOptions = {}, body?: Uint8Array): Promise<IncomingMessage> {
    const sent = httpRequest({ port: shop.served.port, host: '127.0.0.1', path, ...options });
    const [response] = (await once(sent.end(body), 'response')) as [IncomingMessage];
    return response;
  }
  async function answered(response: IncomingMessage): Promise<OcspResponse> {
    assert.equal(response.statusCode, 200);
    assert.equal(response.headers['content-type'], 'application/ocsp-response');
    const der = new Uint8Array(await buffer(response));
    assert.equal(response.headers['content-length'], String(der.length));
    return decodeOcspResponse(der);
  }
  const post = async (body: Uint8Array, headers: Record<string, string> = {}) =>
    answered(await send('/ocsp', { method: 'POST', headers }, body));
  const kinds = ({ basic }: OcspResponse) => basic?.responses.map(({ status }) => status.kind);

  it('is asked by GET in lines, behind doubled slashes, with a query, and with more than 255 octets', async () => {
    const der = requestFor(license.serial);
    const base64 = Buffer.from(der).toString('base64');
    const lines = base64.replace(/.{1,64}/g, '$&\r\n');
    const many = Buffer.from(requestFor(...Array.from({ length: 20 }, () => license.serial)));
    const paths = [
      `/ocsp/${encodeURIComponent(lines)}`,
      `/ocsp/${encodeURIComponent(lines.replaceAll('\r', ''))}`,
      `/ocsp///${base64}`,
      `/ocsp/%2F${encodeURIComponent(base64)}`,
      `/ocsp/${base64}?nocache=1`,
      `/ocsp/${Buffer.from(der).toString('base64url')}==`,
      `/ocsp/${many.toString('base64')}`,
    ];
    for (const path of paths) {
      const all = kinds(await answered(await send(path)))!;
      assert.deepEqual([...new Set(all)], ['good'], path);
    }
  });

  it('says what holds for how long, to HEAD as to GET, and 304 to whoever has it', async () => {
    const path = pathFor(requestFor(license.serial));
    const got = await send(path);
    const etag = got.headers.etag!;
    const { basic, der } = await answered(got);
    assert.equal(etag, `"${hash('sha256', der, 'hex')}"`);
    const { thisUpdate, nextUpdate } = basic!.responses[0]!;
    assert.equal(got.headers['last-modified'], thisUpdate.toUTCString());
    assert.equal(got.headers.expires, nextUpdate!.toUTCString());
    const [, maxAge] = /^max-age=(\d+), public, no-transform, must-revalidate$/.exec(got.headers['cache-control']!)!;
    assert.ok(Number(maxAge) > 0 && Number(maxAge) * 1000 < nextUpdate!.getTime() - thisUpdate.getTime());
    const head = await send(path, { method: 'HEAD' });
    for (const name of ['etag', 'last-modified', 'expires', 'cache-control', 'content-length', 'content-type']) {
      assert.equal(head.headers[name], got.headers[name], name);
    }
    for (const tags of [etag, `W/${etag}`, `"other", ${etag}`, '*']) {
      const response = await send(path, { headers: { 'If-None-Match': tags } });
      assert.deepEqual([response.statusCode, await text(response)], [304, ''], tags);
      assert.equal(response.headers.etag, etag);
    }
    const other = await send(path, { headers: { 'If-None-Match': '"other"' } });
    assert.equal(other.statusCode, 200);
    // Its second is the only precision of a date, and "good" and "revoked" may have been said within one.
    const since = await send(path, { headers: { 'If-Modified-Since': got.headers['last-modified'] } });
    assert.equal(since.statusCode, 200);
  });

  it('answers POST whatever its type and form, with the answer and never with 304', async () => {
    const body = requestFor(license.serial);
    for (const type of ['application/ocsp-request', 'text/plain', 'application/json; charset=x', '']) {
      assert.deepEqual(kinds(await post(body, { 'Content-Type': type })), ['good'], type);
    }
    assert.deepEqual(kinds(await post(body, { 'Transfer-Encoding': 'chunked' })), ['good']);
    assert.deepEqual(kinds(await post(body, { Expect: '100-continue' })), ['good']);
    const { headers } = await send('/ocsp', { method: 'POST' }, body);
    assert.deepEqual(kinds(await post(body, { 'If-None-Match': headers.etag! })), ['good']);
    assert.deepEqual(kinds(await post(body, { 'If-None-Match': '*' })), ['good']);
  });

  it('refuses what is too large, unread, and what is neither GET nor POST', async () => {
    const large = await send('/ocsp', { method: 'POST' }, new Uint8Array(65_537));
    assert.equal(large.statusCode, 413);
    const announced = connect(shop.served.port, '127.0.0.1');
    announced.write('POST /ocsp HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999\r\n\r\n');
    announced.write(new Uint8Array(70_000));
    assert.match(await text(announced), /^HTTP\/1\.1 413 /);
    assert.equal((await send(`/ocsp/${'M'.repeat(5000)}`)).statusCode, 414);
    assert.equal((await send('/ocsp', { method: 'DELETE' })).statusCode, 405);
  });

  it('accepts nonces of 1 to 128 octets and no others', async () => {
    for (let length = 0; length <= 130; length += 1) {
      const nonce = new Uint8Array(randomBytes(length));
      const { status, basic } = await post(encodeOcspRequest({ requests: [certId(license.serial)], nonce }));
      const isAllowed = length >= 1 && length <= 128;
      assert.equal(status, isAllowed ? 'successful' : 'malformedRequest', `${length} octets`);
      if (isAllowed) assert.deepEqual(Buffer.from(basic!.nonce!), Buffer.from(nonce));
    }
  });

  it('answers up to a hundred questions at once, in order, each by the name it was asked with', async () => {
    const strange = new Uint8Array([1, ...randomBytes(16)]);
    const asked = Array.from({ length: 100 }, (_, i) => {
      const serial = i % 3 === 0 ? strange : license.serial;
      return certId(serial, i % 2 === 0 ? 'sha1' : 'sha256', i % 5 === 0 ? 'null' : undefined);
    });
    const { basic } = await post(encodeOcspRequest({ requests: asked }));
    basic!.responses.forEach(({ certId: { raw }, status }, i) => {
      assert.deepEqual(Buffer.from(raw), Buffer.from(asked[i]!.raw));
      assert.equal(status.kind, i % 3 === 0 ? 'unknown' : 'good');
    });
    const more = await post(encodeOcspRequest({ requests: [...asked, asked[0]!] }));
    assert.equal(more.status, 'malformedRequest');
    const foreign = await post(encodeOcspRequest({ requests: [certId(license.serial, 'sha384')] }));
    assert.equal(foreign.status, 'unauthorized');
  }).timeout(10_000);

  it('does not look at every key anew for each stranger who asks', async () => {
    const all = await shop.generations();
    let looks = 0;
    const responder = shop.otherResponder(
      async () => void (looks += 1),
      async () => all,
    );
    for (let i = 0; i < 4; i += 1) {
      const foreign = encodeOcspRequest({ requests: [certId(license.serial, 'sha384')] });
      assert.equal((await responder.answer(`stranger ${i}`, () => foreign)).status, 'unauthorized');
    }
    assert.equal(looks, 1, 'at first, and not again while no CA is added');
  }).timeout(10_000);

  it('does not do so for ever where the key of a CA was lost, which never gets a responder', async () => {
    const all = [...(await shop.generations()), shop.service];
    let reads = 0;
    const keys = async () => {
      reads += 1;
      return (await shop.signer.keys()).filter(({ id }) => id !== shop.service.key);
    };
    const signer = new Proxy(shop.signer, {
      get: (real, name: keyof Signer) => (name === 'keys' ? keys : real[name].bind(real)),
    });
    const responder = shop.otherResponder(undefined, async () => all, signer);
    for (let i = 0; i < 4; i += 1) {
      const foreign = encodeOcspRequest({ requests: [certId(license.serial, 'sha384')] });
      assert.equal((await responder.answer(`stranger ${i}`, () => foreign)).status, 'unauthorized');
    }
    assert.equal(reads, 1, 'at first, and not again');
  }).timeout(10_000);

  it('answers any rubbish with an OCSP response, and never vouches for what was not asked', async () => {
    const whole = requestFor(license.serial);
    const tried = async (i: number) => {
      const der = whole.slice(0, i % 4 === 0 ? 1 + (i % whole.length) : undefined);
      der[(i * 7) % der.length]! ^= 1 << (i % 8);
      const { status, basic } = await (i % 2 === 0 ? post(der) : answered(await send(pathFor(der))));
      assert.ok(['malformedRequest', 'unauthorized', 'successful'].includes(status), status);
      for (const { certId: named, status: said } of basic?.responses ?? []) {
        const isAsked = Buffer.compare(named.serial, license.serial) === 0;
        assert.equal(said.kind, isAsked ? 'good' : 'unknown');
      }
    };
    // Side by side: whoever names an issuer that is none of ours waits until somebody has looked for it.
    for (let i = 0; i < 300; i += 50) await Promise.all(Array.from({ length: 50 }, (_, j) => tried(i + j)));
  }).timeout(10_000);

  it('makes a responder anew when the first question after a long sleep finds it expired', async () => {
    const sleeper = shop.otherResponder(() => shop.renew());
    const ask = async () => {
      const { status, der } = await sleeper.answer(':asleep', () => requestFor(license.serial));
      if (status !== 'successful') return status;
      // As a client does it, who looks at the responder's certificate as well.
      return checkOcspSync(der, { cert: license.der, issuer: shop.enterprise.certificate!, at: shop.now }).status;
    };
    assert.equal(await ask(), 'good');
    shop.after(8 * DAY);
    assert.equal(await ask(), 'good');
    shop.after(8 * DAY);
    shop.signerIsGone = true;
    assert.equal(await ask(), 'tryLater');
    shop.signerIsGone = false;
    assert.equal(await ask(), 'good');
  });

  it('gives no answer, and takes no responder, of a time to come after the clock was ahead', async () => {
    const responder = shop.otherResponder(() => shop.renew());
    const ask = async () => {
      const { status, der, shared } = await responder.answer(':ahead', () => requestFor(license.serial));
      if (status !== 'successful') return status;
      assert.ok(shared!.thisUpdate <= shop.now);
      return checkOcspSync(der, { cert: license.der, issuer: shop.enterprise.certificate!, at: shop.now }).status;
    };
    shop.after(8 * DAY);
    assert.equal(await ask(), 'good');
    shop.after(-8 * DAY);
    shop.signerIsGone = true;
    assert.equal(await ask(), 'tryLater');
    shop.signerIsGone = false;
    assert.equal(await ask(), 'good');
  });
});
