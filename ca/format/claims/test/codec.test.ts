import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { Tag } from '../../der/tags.ts';
import { DerWriter } from '../../der/writer.ts';
import { FormatError, type FormatCode } from '../../errors.ts';
import type { Claims } from '../claims.ts';
import { decodeClaims, encodeClaims } from '../codec.ts';
import { claims, SAMPLE } from './arbitraries.ts';

function refuses(action: () => unknown, code: FormatCode, path?: string): void {
  assert.throws(action, (error) => {
    assert.ok(error instanceof FormatError, String(error));
    assert.equal(error.code, code, error.message);
    if (path !== undefined) assert.equal(error.path, path, error.message);
    return true;
  });
}

/** The sample with one claim written by other means: the bytes that `encodeClaims` refuses to make. */
type Parts = Record<
  | 'version'
  | 'id'
  | 'sequence'
  | 'modes'
  | 'tier'
  | 'features'
  | 'limits'
  | 'term'
  | 'grace'
  | 'contact'
  | 'degrade'
  | 'binding'
  | 'reporting',
  (writer: DerWriter) => void
>;

const PARTS: Parts = {
  version: (w) => w.integer(1),
  id: (w) => w.octetString(new Uint8Array(16).fill(7)),
  sequence: (w) => w.integer(1),
  modes: (w) => w.namedBits(1),
  tier: (w) => w.open(Tag.SEQUENCE).integer(1).text('basic').close(),
  features: (w) => w.open(Tag.SEQUENCE).text('app').close(),
  limits: (w) => w.open(Tag.SEQUENCE).close(),
  term: (w) =>
    w
      .open(Tag.SEQUENCE)
      .text('20260101000000Z', Tag.GENERALIZED_TIME)
      .text('20270101000000Z', Tag.GENERALIZED_TIME)
      .close(),
  grace: (w) => w.integer(0),
  contact: (w) => w.integer(0),
  degrade: (w) => w.enumerated(0),
  binding: () => undefined,
  reporting: () => undefined,
};

function build(changes: Partial<Parts> = {}): Uint8Array {
  const writer = new DerWriter().open(Tag.SEQUENCE);
  for (const part of Object.values({ ...PARTS, ...changes })) part(writer);
  return writer.close().finish();
}

describe('the claims extension', () => {
  it('gives back every claim that was put in', () => {
    fc.assert(fc.property(claims, (value) => assert.deepEqual(decodeClaims(encodeClaims(value)), value)));
    assert.deepEqual(decodeClaims(encodeClaims(SAMPLE)), SAMPLE);
  });

  it('has one encoding only: what is decoded encodes to the same bytes, or is refused', () => {
    const flips = fc.array(fc.tuple(fc.nat(), fc.integer({ min: 0, max: 255 })), { minLength: 1, maxLength: 3 });
    let accepted = 0;
    fc.assert(
      fc.property(claims, flips, (value, changes) => {
        const bytes = encodeClaims(value);
        for (const [at, octet] of changes) bytes[at % bytes.length] = octet;
        const decoded = tryDecode(bytes);
        if (!decoded) return;
        accepted += 1;
        assert.deepEqual(encodeClaims(decoded), bytes);
      }),
      { numRuns: 3000 },
    );
    assert.ok(accepted > 100, `only ${accepted} mutants were still claims: the property says little`);
  });

  it('has the bytes that the ASN.1 module says', () => {
    assert.equal(
      Buffer.from(build()).toString('hex'),
      '305e' +
        '020101' +
        '041007070707070707070707070707070707' +
        '020101' +
        '03020780' +
        '300a0201010c056261736963' +
        '30050c03617070' +
        '3000' +
        '3022180f32303236303130313030303030305a180f32303237303130313030303030305a' +
        '020100' +
        '020100' +
        '0a0100',
    );
    assert.deepEqual(encodeClaims(decodeClaims(build())), build());
  });

  it('is refused when anything is missing, repeated or left over', () => {
    for (const name of Object.keys(PARTS) as (keyof Parts)[]) {
      if (name === 'binding' || name === 'reporting') continue;
      assert.equal(tryDecode(build({ [name]: () => undefined })), undefined, `without ${name}`);
      assert.equal(tryDecode(build({ [name]: (w: DerWriter) => (PARTS[name](w), PARTS[name](w)) })), undefined, name);
    }
    refuses(() => decodeClaims(Buffer.concat([build(), Buffer.of(0)])), 'DER_TRAILING');
    refuses(() => decodeClaims(build({ reporting: (w) => w.null() })), 'DER_TRAILING');
    refuses(() => decodeClaims(new Uint8Array()), 'DER_TRUNCATED');
  });

  const unreadable: { name: string; parts: Partial<Parts>; code: FormatCode; path: string }[] = [
    { name: 'version 2', parts: { version: (w) => w.integer(2) }, code: 'CLAIMS_VERSION', path: 'claims.version' },
    { name: 'version 0', parts: { version: (w) => w.integer(0) }, code: 'CLAIMS_VERSION', path: 'claims.version' },
    {
      name: 'an id of 15 bytes',
      parts: { id: (w) => w.octetString(new Uint8Array(15)) },
      code: 'CLAIMS_INVALID',
      path: 'claims.id',
    },
    { name: 'sequence 0', parts: { sequence: (w) => w.integer(0) }, code: 'CLAIMS_INVALID', path: 'claims.sequence' },
    {
      name: 'a negative sequence',
      parts: { sequence: (w) => w.integer(-1) },
      code: 'CLAIMS_INVALID',
      path: 'claims.sequence',
    },
    {
      name: 'a sequence above 2^53 - 1',
      parts: { sequence: (w) => w.integer(2n ** 53n) },
      code: 'CLAIMS_LIMIT',
      path: 'claims.sequence',
    },
    {
      name: 'a grace of a thousand bytes',
      parts: { grace: (w) => w.integer(2n ** 8000n) },
      code: 'CLAIMS_LIMIT',
      path: 'claims.grace',
    },
    { name: 'no mode', parts: { modes: (w) => w.namedBits(0) }, code: 'CLAIMS_INVALID', path: 'claims.modes' },
    { name: 'an unknown mode', parts: { modes: (w) => w.namedBits(8) }, code: 'DER_VALUE', path: 'claims.modes' },
    {
      name: 'a tier above 65535',
      parts: { tier: (w) => w.open(Tag.SEQUENCE).integer(65_536).text('x').close() },
      code: 'CLAIMS_LIMIT',
      path: 'claims.tier.rank',
    },
    {
      name: 'a tier without a name',
      parts: { tier: (w) => w.open(Tag.SEQUENCE).integer(1).text('').close() },
      code: 'CLAIMS_INVALID',
      path: 'claims.tier.code',
    },
    {
      name: 'an empty list of features',
      parts: { features: (w) => w.open(Tag.SEQUENCE).close() },
      code: 'CLAIMS_INVALID',
      path: 'claims.features',
    },
    {
      name: 'text that is no UTF-8',
      parts: { features: (w) => w.open(Tag.SEQUENCE).primitive(Tag.UTF8_STRING, Uint8Array.of(0xc0, 0x80)).close() },
      code: 'CLAIMS_INVALID',
      path: 'claims.features[0]',
    },
    {
      name: 'another string type',
      parts: { features: (w) => w.open(Tag.SEQUENCE).text('app', Tag.PRINTABLE_STRING).close() },
      code: 'DER_TAG',
      path: 'claims.features[0]',
    },
    {
      name: 'a limit of an unknown scope',
      parts: {
        limits: (w) =>
          w.open(Tag.SEQUENCE).open(Tag.SEQUENCE).text('n').integer(1).enumerated(2).enumerated(0).close().close(),
      },
      code: 'CLAIMS_INVALID',
      path: 'claims.limits[0].scope',
    },
    {
      name: 'a limit of an unknown enforcement',
      parts: {
        limits: (w) =>
          w.open(Tag.SEQUENCE).open(Tag.SEQUENCE).text('n').null().enumerated(0).enumerated(3).close().close(),
      },
      code: 'CLAIMS_INVALID',
      path: 'claims.limits[0].enforce',
    },
    {
      name: 'a negative limit',
      parts: {
        limits: (w) =>
          w.open(Tag.SEQUENCE).open(Tag.SEQUENCE).text('n').integer(-5).enumerated(0).enumerated(0).close().close(),
      },
      code: 'CLAIMS_INVALID',
      path: 'claims.limits[0].max',
    },
    {
      name: 'an unknown degradation',
      parts: { degrade: (w) => w.enumerated(3) },
      code: 'CLAIMS_INVALID',
      path: 'claims.degrade',
    },
    {
      name: 'a term in UTCTime',
      parts: { term: (w) => w.open(Tag.SEQUENCE).text('260101000000Z', Tag.UTC_TIME).close() },
      code: 'DER_TAG',
      path: 'claims.term.from',
    },
    {
      name: 'a term on 30 February',
      parts: { term: (w) => w.open(Tag.SEQUENCE).text('20260230000000Z', Tag.GENERALIZED_TIME).close() },
      code: 'DER_VALUE',
      path: 'claims.term.from',
    },
    {
      name: 'a binding digest of 20 bytes',
      parts: {
        binding: (w) => w.open(0xa0).integer(1).open(Tag.SEQUENCE).octetString(new Uint8Array(20)).close().close(),
      },
      code: 'CLAIMS_INVALID',
      path: 'claims.binding.digests',
    },
    {
      name: 'a BOOLEAN of 0x01',
      parts: { reporting: (w) => w.open(0xa1).integer(1).primitive(Tag.BOOLEAN, Uint8Array.of(1)).close() },
      code: 'DER_VALUE',
      path: 'claims.reporting.required',
    },
  ];
  for (const { name, parts, code, path } of unreadable) {
    it(`with ${name} is refused`, () => refuses(() => decodeClaims(build(parts)), code, path));
  }

  it('is refused in BER: a long length, an indefinite length, a longer integer', () => {
    const der = Buffer.from(build()).toString('hex');
    refuses(() => decodeClaims(Buffer.from(der.replace(/^305e/, '30815e'), 'hex')), 'DER_LENGTH');
    refuses(() => decodeClaims(Buffer.from(`${der.replace(/^305e/, '3080')}0000`, 'hex')), 'DER_LENGTH');
    refuses(() => decodeClaims(build({ version: (w) => w.primitive(Tag.INTEGER, Uint8Array.of(0, 1)) })), 'DER_VALUE');
  });

  it('is refused above 4 KiB before it is looked at', () => {
    refuses(() => decodeClaims(new Uint8Array(4097)), 'CLAIMS_LIMIT');
    refuses(() => decodeClaims(new Uint8Array(4096)), 'DER_TAG');
  });
});

describe('claims that break a rule', () => {
  const feature = (i: number) => `f${String(i).padStart(3, '0')}`;
  const refused: { name: string; change: Partial<Claims>; code?: FormatCode; path: string }[] = [
    { name: 'an id in capitals', change: { id: SAMPLE.id.toUpperCase() }, path: 'claims.id' },
    { name: 'sequence 0', change: { sequence: 0 }, path: 'claims.sequence' },
    { name: 'half a sequence', change: { sequence: 1.5 }, path: 'claims.sequence' },
    { name: 'sequence 2^53', change: { sequence: 2 ** 53 }, code: 'CLAIMS_LIMIT', path: 'claims.sequence' },
    { name: 'sequence NaN', change: { sequence: Number.NaN }, path: 'claims.sequence' },
    { name: 'a mode twice', change: { modes: ['production', 'production'] }, path: 'claims.modes' },
    { name: 'modes out of order', change: { modes: ['recovery', 'production'] }, path: 'claims.modes' },
    { name: 'unsorted features', change: { features: ['b', 'a'] }, path: 'claims.features' },
    { name: 'a feature twice', change: { features: ['a', 'a'] }, path: 'claims.features' },
    { name: 'a feature with two slashes', change: { features: ['a/b/c'] }, path: 'claims.features[0]' },
    { name: 'a feature without a product', change: { features: ['/b'] }, path: 'claims.features[0]' },
    { name: 'an empty feature', change: { features: [''] }, path: 'claims.features[0]' },
    { name: 'a feature that is not NFC', change: { features: ['e\u0301'] }, path: 'claims.features[0]' },
    { name: 'half a surrogate pair', change: { features: ['\uD83D'] }, path: 'claims.features[0]' },
    { name: 'a line break', change: { features: ['a\nb'] }, path: 'claims.features[0]' },
    { name: 'text that runs backwards', change: { features: ['a\u202Eb'] }, path: 'claims.features[0]' },
    {
      name: 'a feature of 65 bytes',
      change: { features: ['x'.repeat(65)] },
      code: 'CLAIMS_LIMIT',
      path: 'claims.features[0]',
    },
    {
      name: 'a feature of 22 characters and 66 bytes',
      change: { features: ['\u4e16'.repeat(22)] },
      code: 'CLAIMS_LIMIT',
      path: 'claims.features[0]',
    },
    {
      name: '257 features',
      change: { features: Array.from({ length: 257 }, (_, i) => feature(i)) },
      code: 'CLAIMS_LIMIT',
      path: 'claims.features',
    },
    {
      name: '65 limits',
      change: {
        limits: Array.from({ length: 65 }, (_, i) => ({
          code: feature(i),
          max: 1,
          scope: 'each' as const,
          enforce: 'hard' as const,
        })),
      },
      code: 'CLAIMS_LIMIT',
      path: 'claims.limits',
    },
    {
      name: 'features that take more than 4 KiB',
      change: { features: Array.from({ length: 80 }, (_, i) => feature(i).padEnd(60, 'x')) },
      code: 'CLAIMS_LIMIT',
      path: 'claims.',
    },
    {
      name: 'a term that ends when it begins',
      change: { term: { from: new Date(0), to: new Date(0) } },
      path: 'claims.term',
    },
    {
      name: 'half seconds',
      change: { term: { from: new Date(500), to: new Date(1000) } },
      path: 'claims.term.from',
    },
    {
      name: 'no date at all',
      change: { term: { from: new Date(0), to: new Date(Number.NaN) } },
      path: 'claims.term.to',
    },
    { name: 'a negative grace', change: { grace: -1 }, path: 'claims.grace' },
    { name: 'an infinite contact', change: { contact: Infinity }, path: 'claims.contact' },
    {
      name: 'more fingerprints needed than named',
      change: { binding: { need: 2, digests: ['aa'.repeat(32)] } },
      path: 'claims.binding.need',
    },
    { name: 'no fingerprint needed', change: { binding: { need: 0, digests: 'any' } }, path: 'claims.binding.need' },
    {
      name: 'reports without pause',
      change: { reporting: { every: 0, required: true } },
      path: 'claims.reporting.every',
    },
  ];
  for (const { name, change, code, path } of refused) {
    it(`${name}: refused by the encoder, which names the claim`, () => {
      refuses(() => encodeClaims({ ...SAMPLE, ...change }), code ?? 'CLAIMS_INVALID', path);
    });
  }

  it('are accepted at each limit', () => {
    const full: Claims = {
      ...SAMPLE,
      sequence: Number.MAX_SAFE_INTEGER,
      tier: { rank: 65_535, code: 'x'.repeat(64) },
      features: Array.from({ length: 256 }, (_, i) => feature(i)),
      limits: Array.from({ length: 64 }, (_, i) => ({ code: feature(i), max: 1, scope: 'each', enforce: 'hard' })),
      grace: 0,
      contact: Number.MAX_SAFE_INTEGER,
      term: { from: new Date('0000-01-01T00:00:00Z'), to: new Date('9999-12-31T23:59:59Z') },
    };
    assert.deepEqual(decodeClaims(encodeClaims(full)), full);
  });
});

function tryDecode(bytes: Uint8Array): Claims | undefined {
  try {
    return decodeClaims(bytes);
  } catch (error) {
    assert.ok(error instanceof FormatError, String(error));
    return undefined;
  }
}
