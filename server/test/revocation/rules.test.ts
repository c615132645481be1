import assert from 'node:assert/strict';
import { createHash, randomBytes } from 'node:crypto';
import {
  type Bytes,
  createAlgorithm,
  decodeCertificate,
  decodeCertificateList,
  decodeOcspResponse,
  encodeCertId,
  encodeOcspRequest,
  OID,
  toHex,
} from '@licet/format';
import { type CertificateId, proveVisible, type VisibilityDeps } from '@licet/authority';
import { checkCrlSync, checkOcspSync } from '@licet/verify';
import { sql } from '../../persistence/transactions.ts';
import { type TestDatabase, testDatabase } from '../../persistence/test/test-database.ts';
import { claims, type License, Shop } from './shop.ts';

const digest = (name: string, bytes: Bytes) => new Uint8Array(createHash(name).update(bytes).digest());

describe('revocation', () => {
  let database: TestDatabase;
  let shop: Shop;
  before(async function () {
    database = await testDatabase(this);
    shop = await Shop.open(database, 2);
  });
  after(async () => {
    await shop?.close();
    await database?.close();
  });
  afterEach(() => {
    shop.signerIsGone = false;
    shop.crashPoint = () => {};
  });

  const certId = (serial: Bytes, hash: 'sha1' | 'sha256' = 'sha256', issuer = shop.enterprise) => ({
    raw: encodeCertId({
      hashAlgorithm: createAlgorithm(OID[hash]),
      issuerNameHash: digest(hash, issuer.certificate!.subject.raw),
      issuerKeyHash: digest(hash, issuer.certificate!.publicKey.key),
      serial,
    }),
  });
  const request = (...serials: readonly Bytes[]) =>
    encodeOcspRequest({ requests: serials.map((serial) => certId(serial)) });
  const post = async (body: Uint8Array) => {
    const headers = { 'Content-Type': 'application/ocsp-request' };
    const response = await fetch(`${shop.served.url}/ocsp`, { method: 'POST', body: Buffer.from(body), headers });
    assert.equal(response.status, 200);
    assert.equal(response.headers.get('content-type'), 'application/ocsp-response');
    return decodeOcspResponse(new Uint8Array(await response.arrayBuffer()));
  };
  const statusOf = async ({ serial }: CertificateId) => (await post(request(serial))).basic?.responses[0]?.status.kind;
  const crlOf = async (license: License) => {
    const known = (await shop.store.find([license]))[0]!;
    const response = await fetch(shop.enterprise.addresses!.crls[known.crlShard]!);
    return new Uint8Array(await response.arrayBuffer());
  };
  const inCrl = async (license: License) =>
    checkCrlSync(await crlOf(license), { cert: license.der, issuer: shop.enterprise.certificate!, at: shop.now })
      .status;
  const revoke = (license: License) =>
    shop.revoker.change(shop.order({ type: 'revoke', reason: 'superseded' }), license);

  it('shows at once in OCSP, and in the CRL with the next publication', async () => {
    const license = await shop.license();
    await shop.publish();
    assert.equal(await statusOf(license), 'good');
    await revoke(license);
    assert.equal(await statusOf(license), 'revoked');
    assert.equal(await inCrl(license), 'good');
    shop.after(1100);
    assert.deepEqual(await shop.publish(), { published: 1, refused: 0, busy: 0 });
    shop.after(1100);
    assert.equal(await inCrl(license), 'revoked');
    assert.deepEqual(await shop.publish(), { published: 0, refused: 0, busy: 0 });
  });

  it('of another process shows in less than half a second', async () => {
    const license = await shop.license();
    assert.equal(await statusOf(license), 'good');
    await shop.store.change(shop.order({ type: 'hold' }), [license], shop.now);
    shop.after(500);
    assert.equal(await statusOf(license), 'revoked');
  });

  it('is in the journal before it is in the database', async () => {
    const license = await shop.license();
    shop.crashPoint = (point) => {
      if (point === 'revoke.journaled') throw new Error('kill -9');
    };
    await assert.rejects(revoke(license), /kill -9/);
    const head = await shop.signer.journalHead();
    const [entry] = await shop.signer.journalAfter(head.sequence - 1n, 1);
    assert.equal(entry?.record.type, 'revocation');
    assert.deepEqual((await shop.store.find([license]))[0]?.state, { state: 'valid' });
  });

  it('is refused, with nothing in the journal, for what was never issued, is revoked, or is not held', async () => {
    const license = await shop.license();
    const { sequence } = await shop.signer.journalHead();
    await assert.rejects(shop.revoker.change(shop.order({ type: 'reinstate' }), license), { code: 'NOT_HELD' });
    const foreign = { ...shop.order({ type: 'hold' }), organization: 'other' };
    await assert.rejects(shop.revoker.change(foreign, license), { code: 'NOT_ISSUED' });
    const unknown = { issuer: license.issuer, serial: randomBytes(17) };
    await assert.rejects(shop.revoker.change(shop.order({ type: 'hold' }), unknown), { code: 'NOT_ISSUED' });
    // The signer notes by itself how many statements it made.
    const since = await shop.signer.journalAfter(sequence, 100);
    assert.deepEqual(
      since.filter(({ record }) => record.type === 'revocation'),
      [],
    );
    await revoke(license);
    assert.equal((await revoke(license)).state, 'revoked');
    const other = shop.order({ type: 'revoke', reason: 'keyCompromise' });
    await assert.rejects(shop.revoker.change(other, license), { code: 'ALREADY_REVOKED' });
  });

  it('takes a hold off the CRL when the journal says that it was undone, and never because the database does', async () => {
    const [undone, forged] = [await shop.license(), await shop.license()];
    for (const license of [undone, forged]) await shop.revoker.change(shop.order({ type: 'hold' }), license);
    shop.after(1000);
    await shop.publish();
    await shop.revoker.change(shop.order({ type: 'reinstate' }), undone);
    shop.after(1000);
    assert.equal((await shop.publish()).refused, 0);
    shop.after(1100);
    assert.equal(await inCrl(undone), 'good');
    await shop.store.change(shop.order({ type: 'reinstate' }), [forged], shop.now);
    assert.equal((await shop.publish()).refused, 1);
    const event = shop.events.at(-1);
    assert.ok(event?.kind === 'refused' && event.error instanceof Error && 'code' in event.error);
    assert.equal(event.error.code, 'CRL_REFUSED');
    shop.after(1100);
    assert.equal(await inCrl(forged), 'revoked');
    await shop.store.change(shop.order({ type: 'hold' }), [forged], shop.now);
    assert.equal((await shop.publish()).refused, 0);
  });

  it('is not forgotten with the rows of the database: the CRL that lacks an entry is refused', async () => {
    const license = await shop.license();
    await revoke(license);
    shop.after(1000);
    await shop.publish();
    await database.dataSource.query('delete from revocations where serial = $1', [Buffer.from(license.serial)]);
    shop.after(13 * 3600_000);
    assert.ok((await shop.publish()).refused >= 1);
    assert.equal(await inCrl(license), 'revoked');
    await database.dataSource.query('update revocation_changes set last = last + 1');
    await revoke(license);
    assert.equal((await shop.publish()).refused, 0);
  });

  it('publishes nothing while the clock is behind the CRL in force', async () => {
    const license = await shop.license();
    shop.after(1000);
    await shop.publish();
    await revoke(license);
    shop.after(-3600_000);
    assert.ok((await shop.publish()).refused >= 1);
    shop.after(3601_000);
    assert.equal((await shop.publish()).refused, 0);
  });

  it('leaves the old CRL in force when the publisher dies between signing and publishing', async () => {
    const license = await shop.license();
    await shop.publish();
    await revoke(license);
    shop.after(1100);
    shop.crashPoint = (point) => {
      if (point === 'crl.signed') throw new Error('kill -9');
    };
    assert.equal((await shop.publish()).refused, 1);
    assert.equal(await inCrl(license), 'good');
    shop.crashPoint = () => {};
    assert.equal((await shop.publish()).published, 1);
    shop.after(1100);
    assert.equal(await inCrl(license), 'revoked');
  });

  it('stays on the CRL for as long as its certificate works, in its grace too, until one CRL after that', async () => {
    const [license, late, lost] = [await shop.license(), await shop.license(), await shop.license()];
    for (const one of [license, lost]) await revoke(one);
    shop.after(1000);
    await shop.publish();
    const { notAfter } = decodeCertificate(license.der);
    const { graceUntil } = (await shop.store.find([license]))[0]!;
    assert.equal(graceUntil.getTime(), notAfter.getTime() + claims(shop.begun).grace * 1000);
    const before = shop.now;
    const listed = async (one: License) => decodeCertificateList(await crlOf(one)).find(one.serial) !== undefined;
    const publish = async () => {
      const { refused } = await shop.publish();
      shop.after(1100);
      return refused;
    };
    shop.now = new Date(notAfter.getTime() + 3600_000);
    await publish();
    shop.after(25 * 3600_000);
    await revoke(late);
    assert.equal(await publish(), 0);
    assert.deepEqual([await listed(license), await listed(late)], [true, true], 'a day into its grace');
    const hidden = 'update revocations set crl_shard = crl_shard + 7 * $2 where serial = $1';
    await database.dataSource.query(hidden, [Buffer.from(lost.serial), 1]);
    shop.after(13 * 3600_000);
    assert.equal(await publish(), 1, 'none may be missing so early');
    await database.dataSource.query(hidden, [Buffer.from(lost.serial), -1]);
    shop.now = new Date(graceUntil.getTime() + 3600_000);
    await publish();
    assert.equal(await listed(license), true, 'the first CRL after its grace');
    shop.after(25 * 3600_000);
    assert.equal(await publish(), 0);
    assert.equal(await listed(license), false);
    // Back to the present, with CRLs of the present: only here time may run backwards.
    await database.dataSource.query('delete from revocations where serial = $1', [Buffer.from(late.serial)]);
    await database.dataSource.query('truncate published_crls, published_crl_parts');
    shop.now = new Date(before.getTime() + 60_000);
    shop.crls = shop.otherCrls();
    shop.responder = shop.otherResponder();
    await shop.publish();
  });

  it('of an enterprise revokes its CA certificate and every license below, responders aside', async () => {
    const query = 'select count(*)::integer as n from revocations where issuer = $1 and reason = 5';
    const count = async (issuer: string) => {
      const rows: { n: number }[] = await database.dataSource.query(query, [issuer]);
      return rows[0]?.n;
    };
    await database.run('platform', (tx) =>
      sql(tx).query(
        `insert into authorities (key, organization, kind, algorithm, held, key_identifier, certificate, addresses, status, created_at)
         values ('r', 'acme', 'root', 'P-256', false, 'x', 'x', '{}', 'active', now())`,
      ),
    );
    await database.run('platform', (tx) =>
      sql(tx).query(
        `insert into authorities (key, organization, kind, enterprise, algorithm, parent, held, key_identifier, certificate, addresses, status, created_at)
         values ($1, 'acme', 'enterprise', 'globex', 'P-256', 'r', true, 'y', 'x', '{}', 'active', now())`,
        [shop.enterprise.key],
      ),
    );
    const licenses = await Promise.all(Array.from({ length: 7 }, () => shop.license()));
    const order = shop.order({ type: 'revoke', reason: 'cessationOfOperation' });
    const changed = await shop.revoker.revokeEnterprise(order, 'globex', { batch: 3 });
    assert.ok(changed >= 8);
    assert.equal(await count(shop.organization.key), 1);
    for (const license of licenses) assert.equal(await statusOf(license), 'revoked');
    assert.equal(await shop.revoker.revokeEnterprise(order, 'globex'), 0);
    shop.after(1000);
    assert.equal((await shop.publish()).refused, 0);
  });

  it('in bulk carries on where it stopped', async () => {
    const licenses = await Promise.all(Array.from({ length: 5 }, () => shop.license()));
    const order = shop.order({ type: 'revoke', reason: 'privilegeWithdrawn' });
    let batches = 0;
    shop.crashPoint = (point) => {
      if (point === 'revoke.journaled' && (batches += 1) === 2) throw new Error('kill -9');
    };
    const options = { id: 'bulk-1', batch: 2 };
    await assert.rejects(shop.revoker.changeAll(order, licenses, options), /kill -9/);
    assert.equal((await shop.store.order('acme', 'bulk-1'))?.done, 2);
    shop.crashPoint = () => {};
    const seen: number[] = [];
    const end = await shop.revoker.changeAll(order, licenses, { ...options, progress: ({ done }) => seen.push(done) });
    assert.deepEqual([end.done, end.outcomes.applied, seen], [5, 5, [4, 5]]);
    const again = await shop.revoker.changeAll(order, licenses, options);
    assert.deepEqual(again.outcomes, end.outcomes);
    await assert.rejects(shop.revoker.changeAll(order, licenses.slice(1), options), { code: 'ORDER_MISMATCH' });
  });

  it('is looked for by the monitor for as long as the certificate works', async () => {
    const license = await shop.license();
    await revoke(license);
    const monitor = (at: Date) =>
      proveVisible({
        store: { ...shop.store, latest: async () => [{ ...license, shard: 0, changedAt: shop.now }] },
        clock: { now: () => at },
        generationOf: async () => shop.enterprise,
        fetchCrl: async (address) => (await fetch(address)).body!,
        askOcsp: () => Promise.reject(new Error('not asked here')),
      });
    const { graceUntil } = (await shop.store.find([license]))[0]!;
    const missed = async (at: Date) =>
      (await monitor(at)).hidden.filter((text) => text.startsWith(toHex(license.serial))).length;
    assert.equal(await missed(graceUntil), 1);
    assert.equal(await missed(new Date(graceUntil.getTime() + 1)), 0);
  });

  it('is not asked of a responder whose CA has ended: nobody may answer for that', async () => {
    const license = await shop.license();
    await revoke(license);
    const end = shop.enterprise.certificate!.notAfter.getTime();
    const monitor = (at: number) =>
      proveVisible({
        store: { ...shop.store, latest: async () => [{ ...license, shard: 0, changedAt: shop.now }] },
        clock: { now: () => new Date(at) },
        generationOf: async () => shop.enterprise,
        fetchCrl: () => Promise.reject(new Error('not asked here')),
        askOcsp: async () => Uint8Array.of(0x30, 0x03, 0x0a, 0x01, 0x03),
      });
    assert.equal((await monitor(end)).hidden.length, 1, 'tryLater, while there should be an answer');
    assert.deepEqual((await monitor(end + 1)).hidden, []);
  });

  it('is seen by the monitor, and what is hidden is named', async () => {
    const license = await shop.license();
    await revoke(license);
    shop.after(31_000);
    const look = (other: Partial<VisibilityDeps> = {}) =>
      proveVisible({
        store: shop.store,
        clock: shop.clock,
        generationOf: async (key) => (await shop.generations()).find((generation) => generation.key === key),
        fetchCrl: async (address) => (await fetch(address)).body!,
        askOcsp: async (address, body) => {
          const response = await fetch(address, { method: 'POST', body: Buffer.from(body) });
          return new Uint8Array(await response.arrayBuffer());
        },
        ...other,
      });
    assert.deepEqual(
      (await look()).hidden.filter((text) => text.startsWith(toHex(license.serial))).length,
      1,
      'not in the CRL yet',
    );
    await shop.publish();
    shop.after(1100);
    const { looked, hidden } = await look();
    assert.ok(looked > 0);
    assert.deepEqual(hidden, []);
    const [address] = shop.enterprise.addresses!.crls;
    const some = await look({
      // One that cannot be reached, one that is half there, and the rest.
      fetchCrl: async (asked) => {
        if (asked === address) throw new Error('connection refused');
        const whole = Buffer.from(await (await fetch(asked)).arrayBuffer());
        return (async function* () {
          yield whole.subarray(0, whole.length >> 1);
        })();
      },
      askOcsp: async () => Uint8Array.of(1),
    });
    assert.equal(some.looked, looked);
    assert.ok(some.hidden.includes(`everything in ${address} (connection refused)`));
    assert.ok(
      some.hidden.some((text) => /everything in .*1\.crl \(.*before its last entry/.test(text)),
      'broke off',
    );
    assert.ok(some.hidden.some((text) => text.startsWith(`everything in ${shop.enterprise.addresses!.ocsp}`)));
  });

  describe('by OCSP', () => {
    it('is asked by GET in every encoding that clients send', async () => {
      // A serial whose request has both awkward characters, and two slashes in a row.
      let text = '';
      let serial: Bytes = new Uint8Array();
      while (!/\/\//.test(text) || !text.includes('+')) {
        serial = new Uint8Array([1, ...randomBytes(16)]);
        text = Buffer.from(request(serial)).toString('base64');
      }
      const forms = [
        encodeURIComponent(text),
        text,
        text.replaceAll('+', '%20'),
        text.replace(/=+$/, ''),
        Buffer.from(request(serial)).toString('base64url'),
        `/${text}`,
        text.replaceAll('/', '%2f'),
      ];
      for (const form of forms) {
        const response = await fetch(`${shop.served.url}/ocsp/${form}`);
        const answer = decodeOcspResponse(new Uint8Array(await response.arrayBuffer()));
        assert.equal(answer.basic?.responses[0]?.status.kind, 'unknown', form);
      }
    });

    it('answers rubbish with malformedRequest, and strangers with unauthorized', async () => {
      assert.equal((await post(new Uint8Array([0x30, 0x80]))).status, 'malformedRequest');
      assert.equal((await post(new Uint8Array())).status, 'malformedRequest');
      for (const path of ['%', '%zz', '!', 'A', '']) {
        const response = await fetch(`${shop.served.url}/ocsp/${path}`);
        const answer = decodeOcspResponse(new Uint8Array(await response.arrayBuffer()));
        assert.equal(answer.status, 'malformedRequest', path);
        assert.equal(response.headers.get('cache-control'), 'no-store');
      }
      const ours = certId(Uint8Array.of(1));
      const theirs = certId(Uint8Array.of(1), 'sha256', shop.service);
      assert.equal((await post(encodeOcspRequest({ requests: [theirs] }))).status, 'unauthorized');
      assert.equal((await post(encodeOcspRequest({ requests: [ours, theirs] }))).status, 'unauthorized');
      const both = [ours, certId(Uint8Array.of(1), 'sha256', shop.organization)];
      assert.equal((await post(encodeOcspRequest({ requests: both }))).status, 'unauthorized');
    });

    it('gives nonces of 1 to 128 octets back, and keeps no answer that has one', async () => {
      const { serial, der } = await shop.license();
      for (const length of [1, 32, 128]) {
        const nonce = new Uint8Array(randomBytes(length));
        const answer = await post(encodeOcspRequest({ requests: [certId(serial)], nonce }));
        const options = { cert: der, issuer: shop.enterprise.certificate!, at: shop.now, nonce };
        assert.equal(checkOcspSync(answer.der, options).status, 'good');
      }
      const long = encodeOcspRequest({ requests: [certId(serial)], nonce: randomBytes(129) });
      assert.equal((await post(long)).status, 'malformedRequest');
    });

    it('echoes the CertID as it came, with headers that say how long it holds', async () => {
      const { serial } = await shop.license();
      const asked = certId(serial, 'sha1');
      const text = Buffer.from(encodeOcspRequest({ requests: [asked] })).toString('base64');
      const url = `${shop.served.url}/ocsp/${encodeURIComponent(text)}`;
      const response = await fetch(url);
      const answer = decodeOcspResponse(new Uint8Array(await response.arrayBuffer()));
      const [single] = answer.basic!.responses;
      assert.deepEqual(Buffer.from(single!.certId.raw), Buffer.from(asked.raw));
      assert.equal(response.headers.get('last-modified'), single!.thisUpdate.toUTCString());
      assert.equal(response.headers.get('expires'), single!.nextUpdate!.toUTCString());
      assert.match(response.headers.get('cache-control')!, /^max-age=60, public/);
      assert.match(response.headers.get('x-request-id')!, /^[\w-]{16}$/);
      const etag = response.headers.get('etag')!;
      assert.equal((await fetch(url, { headers: { 'If-None-Match': etag } })).status, 304);
      assert.equal((await (await fetch(url, { method: 'HEAD' })).arrayBuffer()).byteLength, 0);
    });

    it('serves what is at hand until its nextUpdate while the signer is gone, and tryLater for the rest', async () => {
      const [asked, other] = [await shop.license(), await shop.license()];
      assert.equal(await statusOf(asked), 'good');
      shop.signerIsGone = true;
      shop.after(45 * 60_000);
      assert.equal(await statusOf(asked), 'good');
      assert.equal((await post(request(other.serial))).status, 'tryLater');
      const [url] = shop.enterprise.addresses!.crls;
      assert.equal((await fetch(url!)).status, 200, 'CRLs stay up');
      shop.after(16 * 60_000);
      assert.equal((await post(request(asked.serial))).status, 'tryLater');
      shop.signerIsGone = false;
      assert.equal(await statusOf(asked), 'good');
    });

    it('renews its responders at half of their life', async () => {
      assert.equal(await shop.renew(), 0);
      shop.after(4 * 86_400_000);
      assert.equal(await shop.renew(), 2);
      assert.equal(await shop.renew(), 0);
      await shop.responder.refresh();
      shop.after(4 * 86_400_000);
      assert.equal(await statusOf(await shop.license()), 'good');
      assert.deepEqual(
        shop.reported.filter((error) => !String(error).includes('signer is gone')),
        [],
      );
    });
  });

  describe('by CRL', () => {
    it('has no date until no other list can have the same: of two in one second the first is not called the last', async () => {
      const [license, other] = [await shop.license(), await shop.license()];
      const { crlShard } = (await shop.store.find([license]))[0]!;
      const url = shop.enterprise.addresses!.crls[crlShard]!;
      shop.after(10_000 - (shop.now.getTime() % 1000));
      await revoke(license);
      await shop.publish();
      const first = await fetch(url);
      assert.equal(first.headers.get('last-modified'), null);
      const date = shop.now.toUTCString();
      shop.after(500);
      await revoke(other);
      await shop.publish();
      shop.after(1000);
      const since = { headers: { 'If-Modified-Since': date } };
      assert.equal((await fetch(url, since)).status, 200);
      shop.after(3000);
      const settled = await fetch(url);
      assert.equal(settled.headers.get('last-modified'), date);
      assert.equal((await fetch(url, since)).status, 304);
      assert.equal((await fetch(url, { method: 'HEAD', headers: { 'If-None-Match': '*' } })).status, 304);
    });

    it('is served with validators, as DER and as PEM, and under no other name', async () => {
      const url = shop.enterprise.addresses!.crls[0]!;
      const response = await fetch(url);
      const der = Buffer.from(await response.arrayBuffer());
      assert.equal(response.headers.get('content-type'), 'application/pkix-crl');
      assert.match(response.headers.get('x-request-id')!, /^[\w-]{16}$/);
      assert.equal(response.headers.get('content-length'), String(der.length));
      const etag = response.headers.get('etag')!;
      const modified = response.headers.get('last-modified')!;
      assert.equal((await fetch(url, { headers: { 'If-None-Match': `"x", W/${etag}` } })).status, 304);
      assert.equal((await fetch(url, { headers: { 'If-Modified-Since': modified } })).status, 304);
      const both = { 'If-Modified-Since': modified, 'If-None-Match': '"x"' };
      assert.equal((await fetch(url, { headers: both })).status, 200);
      const pem = await fetch(url.replace(/crl$/, 'pem'));
      const text = await pem.text();
      assert.equal(pem.headers.get('content-length'), String(text.length));
      assert.deepEqual(Buffer.from(text.replaceAll(/-----.*-----|\n/g, ''), 'base64'), der);
      const head = await fetch(url, { method: 'HEAD' });
      assert.equal(head.headers.get('content-length'), String(der.length));
      for (const name of [url.replace('0.crl', '7.crl'), url.replace('0.crl', '00.crl'), `${url}/x`]) {
        assert.equal((await fetch(name)).status, 404, name);
      }
    });
  });
});
