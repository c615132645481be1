import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import * as fc from 'fast-check';
import { requireTool } from '@licet/checks';
import {
  CertificateListWriter,
  createName,
  CRL_LIMITS,
  CrlEntryScanner,
  decodeCertificateList,
  encodeCertificateList,
  encodeTbsCertificateList,
  extension,
  fromHex,
  toHex,
  type Bytes,
  type CrlEntryFields,
  type RevocationReason,
} from '@licet/format';
import { crl, ED25519, FROM, hex, NAME, refuses, UNTIL } from './build.ts';

const REASONS: RevocationReason[] = [
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'removeFromCRL',
  'privilegeWithdrawn',
  'aACompromise',
];

function serialOf(i: number): Bytes {
  const serial = new Uint8Array(16);
  const view = new DataView(serial.buffer);
  view.setUint32(0, (Math.imul(i, 0x9e3779b1) >>> 1) | 0x40_00_00_00);
  view.setUint32(12, i);
  return serial;
}

function* many(count: number): Generator<CrlEntryFields> {
  for (let i = 0; i < count; i += 1) yield { serial: serialOf(i), revokedAt: FROM, reason: 'keyCompromise' };
}

const entryArbitrary = fc.record(
  {
    serial: fc.bigInt({ min: 1n, max: 2n ** 159n - 1n }).map((value) => {
      const text = value.toString(16);
      const even = text.length % 2 ? `0${text}` : text;
      return hex(Number.parseInt(even.slice(0, 2), 16) >= 0x80 ? `00${even}` : even);
    }),
    revokedAt: fc.constantFrom(FROM, UNTIL, new Date('2055-05-05T05:05:05Z')),
    reason: fc.option(fc.constantFrom(...REASONS), { nil: undefined }),
    invalidityDate: fc.option(fc.constant(FROM), { nil: undefined }),
    certificateIssuer: fc.constant(undefined),
    unknownCritical: fc.constant(false),
  },
  { noNullPrototype: true },
);

describe('CRLs, RFC 5280 §5', () => {
  it('give back the entries that were written, and find each of them', () => {
    const entries = fc.uniqueArray(entryArbitrary, { selector: ({ serial }) => toHex(serial), maxLength: 40 });
    fc.assert(
      fc.property(entries, (written) => {
        const list = decodeCertificateList(crl(written));
        assert.deepEqual([...list.entries()], written);
        assert.equal(list.entryCount, written.length);
        for (const entry of written) assert.deepEqual(list.find(entry.serial)?.serial, entry.serial);
        assert.equal(list.find(hex('00')), undefined);
      }),
    );
  });

  it('can be walked twice, and by two at once', () => {
    const list = decodeCertificateList(crl(many(3)));
    const [first, second] = [list.entries()[Symbol.iterator](), list.entries()[Symbol.iterator]()];
    first.next();
    assert.deepEqual(second.next().value?.serial, serialOf(0));
    assert.deepEqual(first.next().value?.serial, serialOf(1));
    assert.equal([...list.entries()].length, 3);
  });

  it('leave out the list when there is no entry, and the reason when it is unspecified', () => {
    const empty = decodeCertificateList(crl([]));
    assert.deepEqual([empty.entryCount, [...empty.entries()], empty.find(hex('01'))], [0, [], undefined]);
    const plain = crl([{ serial: hex('01'), revokedAt: FROM }]);
    assert.deepEqual(crl([{ serial: hex('01'), revokedAt: FROM, reason: 'unspecified' }]), plain);
  });

  it('know whose certificate an entry of an indirect CRL is', () => {
    const other = createName([{ type: 'commonName', value: 'Other' }]);
    const list = decodeCertificateList(
      crl([
        { serial: hex('01'), revokedAt: FROM },
        { serial: hex('02'), revokedAt: FROM, certificateIssuer: [{ kind: 'directory', name: other }] },
        { serial: hex('01'), revokedAt: UNTIL },
        { serial: hex('03'), revokedAt: FROM, certificateIssuer: [{ kind: 'directory', name: NAME }] },
        { serial: hex('04'), revokedAt: FROM },
      ]),
    );
    const issuers = [...list.entries()].map(({ certificateIssuer }) => {
      const [first] = certificateIssuer ?? [];
      return first?.kind === 'directory' ? first.name.rdns[0]?.[0]?.value : undefined;
    });
    assert.deepEqual(issuers, [undefined, 'Other', 'Other', 'Test', 'Test']);
    assert.deepEqual(list.find(hex('01'))?.revokedAt, FROM);
    assert.equal(list.find(hex('02')), undefined);
    assert.deepEqual(list.find(hex('04'))?.serial, hex('04'));
  });

  it('keep every extension', () => {
    const list = decodeCertificateList(
      crl([], {
        extensions: [
          extension.authorityKeyIdentifier({ keyIdentifier: hex('aabb') }),
          extension.crlNumber(2n ** 152n),
          extension.deltaCrlIndicator(7),
          extension.issuingDistributionPoint({ onlyUserCertificates: true, indirect: true }),
          extension.freshestCrl(['http://crl.example/d']),
        ],
      }),
    );
    assert.equal(list.extensions.crlNumber, 2n ** 152n);
    assert.equal(list.extensions.deltaCrlIndicator, 7n);
    assert.equal(list.extensions.issuingDistributionPoint?.onlyUserCertificates, true);
    assert.equal(list.extensions.issuingDistributionPoint?.onlyCaCertificates, false);
    assert.equal(list.extensions.issuingDistributionPoint?.indirect, true);
    assert.deepEqual(list.extensions.authorityKeyIdentifier?.keyIdentifier, hex('aabb'));
    assert.equal(list.extensions.freshestCrl?.length, 1);
  });

  it('are written alike in one go and entry by entry', () => {
    const fields = {
      signatureAlgorithm: ED25519,
      issuer: NAME,
      thisUpdate: FROM,
      nextUpdate: UNTIL,
      extensions: [extension.crlNumber(1)],
    };
    const writer = new CertificateListWriter(fields, 300);
    for (const entry of many(300)) writer.add(entry);
    assert.deepEqual(writer.finish(), encodeTbsCertificateList(fields, many(300)));
  });

  it('are read by openssl as we wrote them', function () {
    requireTool(this, 'openssl');
    const input = crl(
      [...many(2), { serial: hex('0abc'), revokedAt: FROM, reason: 'certificateHold', invalidityDate: FROM }],
      {
        extensions: [extension.crlNumber(4660)],
      },
    );
    const text = execFileSync('openssl', ['crl', '-inform', 'DER', '-noout', '-text'], { input }).toString();
    for (const part of ['Version 2', 'Serial Number: 0ABC', 'Certificate Hold', 'Invalidity Date', 'Key Compromise']) {
      assert.ok(text.includes(part), `${part} in ${text}`);
    }
  });

  it('with 100,000 entries are read without keeping them', function () {
    this.timeout(20_000);
    const bytes = crl(many(100_000));
    const before = process.memoryUsage().arrayBuffers;
    const list = decodeCertificateList(bytes);
    // Four octets for each slot, two or so slots for each entry: the index, and a growing list while it was built.
    assert.ok(process.memoryUsage().arrayBuffers - before < 4_000_000);
    assert.equal(list.entryCount, 100_000);
    assert.deepEqual(list.find(serialOf(77_777))?.serial, serialOf(77_777));
    assert.equal(list.find(serialOf(100_001)), undefined);
  });

  it('are read up to their limit of elements and no further', () => {
    const bytes = crl(many(10));
    decodeCertificateList(bytes, { ...CRL_LIMITS, size: bytes.length });
    refuses(() => decodeCertificateList(bytes, { ...CRL_LIMITS, size: bytes.length - 1 }), 'DER_LIMIT', 'crl');
    refuses(() => decodeCertificateList(bytes, { ...CRL_LIMITS, nodes: 50 }), 'DER_LIMIT');
  });

  it('whose serial numbers were chosen to collide are refused before they cost much', function () {
    this.timeout(20_000);
    const colliding = collidingSerials(3_000, 8_192);
    refuses(
      () => decodeCertificateList(crl(colliding.map((serial) => ({ serial, revokedAt: FROM })))),
      'DER_LIMIT',
      'crl.tbs.revoked',
    );
  });
});

/** Serials that the index would put into the same one of `slots` slots. This repeats its hash on purpose. */
function collidingSerials(count: number, slots: number): Bytes[] {
  const found: Bytes[] = [];
  for (let i = 1; found.length < count; i += 1) {
    const serial = hex(`01${i.toString(16).padStart(8, '0')}`);
    let hash = 0x811c9dc5;
    for (const octet of serial) hash = Math.imul(hash ^ octet, 0x01000193);
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
    if (((hash ^ (hash >>> 16)) & (slots - 1)) < 64) found.push(serial);
  }
  return found;
}

describe('the entries of a CRL that comes in parts', () => {
  const list = (entries: number, extensions = 1): Uint8Array => {
    const algorithm = { raw: fromHex('300a06082a8648ce3d040302') };
    const writer = new CertificateListWriter({
      signatureAlgorithm: algorithm,
      issuer: createName([{ type: 'commonName', value: 'CA' }]),
      thisUpdate: new Date('2026-01-01T00:00:00Z'),
      nextUpdate: new Date('2026-01-08T00:00:00Z'),
      extensions: [extension.crlNumber(7n)].slice(0, extensions),
    });
    for (let i = 0; i < entries; i += 1) {
      const serial = Uint8Array.of(1, i >> 8, i & 255);
      writer.add({ serial, revokedAt: new Date('2026-01-01T00:00:00Z'), reason: 'keyCompromise' });
    }
    return encodeCertificateList(writer.finish(), algorithm, fromHex('3006020101020101'));
  };

  for (const [entries, extensions] of [
    [0, 0],
    [0, 1],
    [1, 1],
    [1000, 1],
  ] as const) {
    it(`are those of the whole, however it is cut: ${entries} entries, ${extensions} extensions`, () => {
      const der = list(entries, extensions);
      const whole = [...decodeCertificateList(der).entries()].map(({ serial }) => toHex(serial));
      for (const size of [1, 13, 100, 4096, der.length]) {
        const scanner = new CrlEntryScanner();
        const found: string[] = [];
        for (let at = 0; at < der.length; at += size) {
          for (const { serial } of scanner.push(der.subarray(at, at + size))) found.push(toHex(serial));
        }
        scanner.finish();
        assert.deepEqual(found, whole, `in parts of ${size}`);
      }
    });
  }

  it('are not all there when the list breaks off', () => {
    const scanner = new CrlEntryScanner();
    const der = list(10);
    assert.equal([...scanner.push(der.subarray(0, der.length >> 1))].length < 10, true);
    assert.throws(() => scanner.finish(), { code: 'DER_TRUNCATED' });
  });
});
