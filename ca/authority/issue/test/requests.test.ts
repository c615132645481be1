import assert from 'node:assert/strict';
import { createSign, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import {
  type Bytes,
  createName,
  DerWriter,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  extension,
  fromHex,
  Tag,
} from '@licet/format';
import type { KeyAlgorithm } from '../../ports/signer.ts';
import { REQUEST_MOST_BYTES } from '../request.ts';
import { SIGNATURE_ALGORITHMS } from '../signatures.ts';
import { hasSmallFactor, isRocaModulus } from '../weak-rsa.ts';
import type { IssuerGeneration } from '../issuer-generation.ts';
import { generate } from './key-signer.ts';
import { makeCsr, PROFILES, Workshop } from './workshop.ts';

const SHA1_WITH_RSA = fromHex('300d06092a864886f70d0101050500');

/** A request about any key, signed by any key, or not at all. */
function csrOf(spki: Uint8Array, algorithm: Uint8Array, signature: (info: Uint8Array) => Uint8Array): Bytes {
  const info = encodeCertificationRequestInfo({ subject: createName([]), publicKey: { raw: spki } });
  return encodeCertificationRequest(info, { raw: algorithm }, signature(info));
}

const spkiOf = (key: KeyObject) => new Uint8Array(key.export({ type: 'spki', format: 'der' }));

function ecCsr(namedCurve: string): Bytes {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve });
  return csrOf(spkiOf(publicKey), SIGNATURE_ALGORITHMS['P-256'], (info) => sign('sha256', info, privateKey));
}

function rsaCsr(
  modulusLength: number,
  publicExponent = 65_537,
  digest = 'sha256',
  algorithm = SIGNATURE_ALGORITHMS['RSA-3072'],
): Bytes {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength, publicExponent });
  return csrOf(spkiOf(publicKey), algorithm, (info) => createSign(digest).update(info).sign(privateKey));
}

function offCurve(): Bytes {
  const { publicKey, privateKey } = generate('P-256');
  const spki = spkiOf(publicKey);
  spki[spki.length - 1]! ^= 1;
  return csrOf(spki, SIGNATURE_ALGORITHMS['P-256'], (info) => sign('sha256', info, privateKey));
}

function compressed(): Bytes {
  const { publicKey, privateKey } = generate('P-256');
  const plain = spkiOf(publicKey);
  // 26 octets stand before the point; the parity of y goes in front of x (RFC 5480 §2.2).
  const point = Uint8Array.of(2 + (plain.at(-1)! & 1), ...plain.subarray(27, 59));
  const algorithm = plain.subarray(2, 23);
  const spki = new DerWriter().open(Tag.SEQUENCE).raw(algorithm).bitString(point).close().finish();
  return csrOf(spki, SIGNATURE_ALGORITHMS['P-256'], (info) => sign('sha256', info, privateKey));
}

function smallOrder(): Bytes {
  const spki = Uint8Array.of(...fromHex('302a300506032b6570032100'), 1, ...new Uint8Array(31));
  return csrOf(spki, SIGNATURE_ALGORITHMS.Ed25519, () => new Uint8Array(64));
}

function changed(change: (der: Uint8Array) => void): Bytes {
  const der = Uint8Array.from(makeCsr('P-256', { name: 'whatever' }));
  change(der);
  return der;
}

/** A megabyte of attributes, each of them well formed. */
function attributes(bytes: number): Bytes {
  const { publicKey, privateKey } = generate('P-256');
  const writer = new DerWriter()
    .open(Tag.SEQUENCE)
    .integer(0)
    .raw(createName([]).raw)
    .raw(spkiOf(publicKey))
    .open(0xa0);
  for (let i = 0; i * 1000 < bytes; i += 1) {
    writer
      .open(Tag.SEQUENCE)
      .oid(`1.3.6.1.4.1.99999.${i}`)
      .open(Tag.SET)
      .octetString(new Uint8Array(1000))
      .close()
      .close();
  }
  const info = writer.close().close().finish();
  return encodeCertificationRequest(info, { raw: SIGNATURE_ALGORITHMS['P-256'] }, sign('sha256', info, privateKey));
}

function version2(): Bytes {
  const { publicKey, privateKey } = generate('P-256');
  const info = new DerWriter()
    .open(Tag.SEQUENCE)
    .integer(1)
    .raw(createName([]).raw)
    .raw(spkiOf(publicKey))
    .open(0xa0)
    .close()
    .close()
    .finish();
  return encodeCertificationRequest(info, { raw: SIGNATURE_ALGORITHMS['P-256'] }, sign('sha256', info, privateKey));
}

function otherKey(): Bytes {
  const [one, other] = [generate('P-256'), generate('P-256')];
  return makeCsr('P-256', { keys: { publicKey: one.publicKey, privateKey: other.privateKey } });
}

describe('requests that are refused', () => {
  const shop = new Workshop();
  let enterprise: IssuerGeneration;
  before(async () => {
    ({ enterprise } = await shop.hierarchy());
  });

  const refusals: { name: string; csr: () => Bytes; code: string; says?: RegExp }[] = [
    { name: 'garbage', csr: () => new Uint8Array(500).fill(0x5a), code: 'CSR_INVALID' },
    { name: 'nothing', csr: () => new Uint8Array(), code: 'CSR_INVALID' },
    { name: 'a byte behind the end', csr: () => Uint8Array.of(...makeCsr(), 0), code: 'CSR_INVALID' },
    { name: 'a request that is cut off', csr: () => makeCsr().subarray(0, 100), code: 'CSR_INVALID' },
    { name: 'another version than 1', csr: version2, code: 'CSR_INVALID' },
    { name: 'a megabyte of attributes', csr: () => attributes(1_000_000), code: 'CSR_TOO_LARGE' },
    {
      name: 'one byte more than is accepted',
      csr: () => new Uint8Array(REQUEST_MOST_BYTES + 1),
      code: 'CSR_TOO_LARGE',
    },
    {
      name: 'exactly as many bytes, being garbage',
      csr: () => new Uint8Array(REQUEST_MOST_BYTES),
      code: 'CSR_INVALID',
    },
    {
      name: 'a CA certificate asked for',
      csr: () => makeCsr('P-256', { extensions: [extension.basicConstraints({ ca: true })] }),
      code: 'CSR_ASKS_FOR_CA',
    },
    {
      name: 'the right to sign certificates asked for',
      csr: () => makeCsr('P-256', { extensions: [extension.keyUsage(['keyCertSign'])] }),
      code: 'CSR_ASKS_FOR_CA',
    },
    {
      name: 'the right to sign CRLs asked for',
      csr: () => makeCsr('P-256', { extensions: [extension.keyUsage(['cRLSign'])] }),
      code: 'CSR_ASKS_FOR_CA',
    },
    { name: 'a signature by another key', csr: otherKey, code: 'CSR_SIGNATURE' },
    {
      name: 'a flipped bit in the subject',
      csr: () => changed((der) => (der[Buffer.from(der).indexOf('whatever')]! ^= 1)),
      code: 'CSR_SIGNATURE',
    },
    { name: 'a signature with SHA-1', csr: () => rsaCsr(2048, 65_537, 'sha1', SHA1_WITH_RSA), code: 'CSR_SIGNATURE' },
    {
      name: 'a signature of another algorithm than the key',
      csr: () => csrOf(spkiOf(generate('P-256').publicKey), SIGNATURE_ALGORITHMS.Ed25519, () => new Uint8Array(64)),
      code: 'CSR_SIGNATURE',
    },
    { name: 'RSA of 1024 bits', csr: () => rsaCsr(1024), code: 'KEY_WEAK' },
    { name: 'RSA of 2040 bits', csr: () => rsaCsr(2040), code: 'KEY_WEAK' },
    { name: 'RSA with the exponent 3', csr: () => rsaCsr(2048, 3), code: 'KEY_WEAK' },
    { name: 'P-521', csr: () => ecCsr('P-521'), code: 'KEY_WEAK', says: /P-521/ },
    { name: 'the curve of Bitcoin', csr: () => ecCsr('secp256k1'), code: 'KEY_WEAK' },
    { name: 'a point that is not on its curve', csr: offCurve, code: 'KEY_WEAK' },
    { name: 'a point in its compressed form', csr: compressed, code: 'KEY_WEAK', says: /a compressed point of P-256/ },
    { name: 'a point of small order, under which anybody can sign', csr: smallOrder, code: 'KEY_WEAK' },
  ];
  for (const { name, csr, code, says = /./ } of refusals) {
    it(`${name}: ${code}`, async () => {
      const before = shop.store.intents.length;
      const request = shop.siteRequest(enterprise, { key: { csr: csr() } });
      assert.throws(() => shop.issuer.check(request), { code, message: says });
      await assert.rejects(shop.issuer.issue(request), { code, message: says });
      assert.equal(shop.store.intents.length, before, 'something was recorded');
    });
  }

  for (const algorithm of ['P-256', 'P-384', 'Ed25519', 'ML-DSA-65'] satisfies KeyAlgorithm[]) {
    it(`takes an honest ${algorithm} request`, async () => {
      const principal = `site with ${algorithm}`;
      const { fresh } = await shop.issuer.issue(
        shop.siteRequest(enterprise, { key: { csr: makeCsr(algorithm) }, principal }),
      );
      assert.equal(fresh, true);
    });
  }

  it('takes RSA of 2048 bits for a site, and not for a CA', async () => {
    const csr = rsaCsr(2048);
    await shop.issuer.issue(shop.siteRequest(enterprise, { key: { csr }, principal: 'rsa' }));
    const organization = [...shop.generations.values()].find(({ purpose }) => purpose === 'organization')!;
    const delegated = {
      profile: PROFILES.enterprise,
      issuer: organization,
      subject: { organization: 'acme', enterprise: 'initech', commonName: 'Initech CA' },
    };
    await assert.rejects(shop.issuer.issue(shop.siteRequest(enterprise, { ...delegated, key: { csr } })), {
      code: 'KEY_WEAK',
    });
  });

  it('a key that is known to others: KEY_BLOCKED', async () => {
    const keys = generate('P-256');
    const { hash } = await import('node:crypto');
    shop.store.blockKey(hash('sha256', spkiOf(keys.publicKey), 'buffer'));
    const csr = makeCsr('P-256', { keys });
    await assert.rejects(shop.issuer.issue(shop.siteRequest(enterprise, { key: { csr }, principal: 'blocked' })), {
      code: 'KEY_BLOCKED',
    });
  });

  it('a key that belongs to another license: KEY_REUSED, and renewal with the own key is free', async () => {
    const csr = makeCsr();
    const request = (principal: string, keyOwner: string) =>
      shop.siteRequest(enterprise, { key: { csr }, principal, keyOwner });
    await shop.issuer.issue(request('first', 'lineage 7'));
    await assert.rejects(shop.issuer.issue(request('thief', 'lineage 8')), { code: 'KEY_REUSED' });
    assert.equal((await shop.issuer.issue(request('renewal', 'lineage 7'))).fresh, true);
  });

  it('leave the signer alone', () => {
    const signatures = shop.signer.journal.filter(({ record }) => record.type === 'signed').length;
    assert.equal(signatures, shop.store.certificates.length);
  });
});

describe('weak RSA', () => {
  // The modulus of a key made by the flawed generator has the form k * M + (65537^a mod M), M the product of small primes.
  const M = [
    2n,
    3n,
    5n,
    7n,
    11n,
    13n,
    17n,
    19n,
    23n,
    29n,
    31n,
    37n,
    41n,
    43n,
    47n,
    53n,
    59n,
    61n,
    67n,
    71n,
    73n,
    79n,
    83n,
    89n,
    97n,
    101n,
    103n,
    107n,
    109n,
    113n,
    127n,
    131n,
    137n,
    139n,
    149n,
    151n,
    157n,
    163n,
    167n,
  ].reduce((a, b) => a * b);

  it('knows the moduli of the generator of CVE-2017-15361', () => {
    let power = 1n;
    for (let i = 0; i < 1000; i += 1) power = (power * 65_537n) % M;
    assert.equal(isRocaModulus((1n << 2000n) * M + power), true);
    assert.equal(isRocaModulus((1n << 2000n) * M + power + 2n), false);
  });

  it('finds small factors up to 751, and no others', () => {
    const prime = 2n ** 521n - 1n;
    assert.equal(hasSmallFactor(prime * 751n), true);
    assert.equal(hasSmallFactor(prime * 757n), false);
    assert.equal(hasSmallFactor(prime), false);
  });
});
