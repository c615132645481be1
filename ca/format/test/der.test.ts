import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  DerReader,
  DerWriter,
  readGeneralizedTime,
  readTime,
  Tag,
  toHex,
  writeGeneralizedTime,
  writeTime,
  type Bytes,
  type DerLimits,
} from '@licet/format';
import { der, hex, refuses } from './build.ts';

const LIMITS: DerLimits = { size: 1_000_000, depth: 8, nodes: 1_000 };

function read<T>(bytes: Bytes, how: (reader: DerReader) => T, limits = LIMITS): T {
  const reader = new DerReader(bytes, 'x', limits);
  const value = how(reader);
  reader.finish();
  return value;
}

function bigFrom(content: Bytes): bigint {
  return BigInt.asIntN(content.length * 8, BigInt(`0x${toHex(content)}`));
}

describe('DER, X.690', () => {
  describe('writes what it reads', () => {
    it('with writers that take turns, and none that is finished reaches another', () => {
      const [outer, inner] = [new DerWriter(64), new DerWriter(64)];
      outer.open(Tag.SEQUENCE).integer(1);
      const within = inner.octetString(Uint8Array.of(0xaa)).finish();
      const next = new DerWriter(16).open(Tag.SEQUENCE).integer(2);
      inner.octetString(Uint8Array.of(0xbb));
      outer.raw(within).close();
      const done = [outer.finish(), next.close().finish()].map(toHex);
      assert.deepEqual([...done, toHex(within)], ['30060201010401aa', '3003020102', '0401aa']);
    });

    it('integers of any size and sign', () => {
      fc.assert(
        fc.property(fc.bigInt({ min: -(2n ** 200n), max: 2n ** 200n }), (value) => {
          assert.equal(
            read(
              der((to) => to.integer(value)),
              (reader) => bigFrom(reader.integer('v')),
            ),
            value,
          );
        }),
      );
    });

    it('lengths on both sides of every step', () => {
      for (const length of [0, 1, 127, 128, 129, 255, 256, 65_535, 65_536, 70_000]) {
        const content = new Uint8Array(length);
        const nested = der((to) => to.open(Tag.SEQUENCE).octetString(content).close());
        const found = read(nested, (reader) => {
          reader.enter(Tag.SEQUENCE, '');
          const octets = reader.octetString('v');
          reader.leave();
          return octets;
        });
        assert.equal(found.length, length);
      }
    });

    it('object identifiers with components of any size', () => {
      const component = fc.oneof(fc.bigInt({ min: 0n, max: 300n }), fc.bigInt({ min: 0n, max: 2n ** 128n }));
      const oid = fc
        .tuple(fc.integer({ min: 0, max: 2 }), fc.bigInt({ min: 0n, max: 39n }), fc.array(component, { maxLength: 5 }))
        .map(([first, second, rest]) => [first, second, ...rest].join('.'));
      fc.assert(
        fc.property(oid, (value) => {
          assert.equal(
            read(
              der((to) => to.oid(value)),
              (reader) => reader.oid('v'),
            ),
            value,
          );
        }),
      );
    });

    it('named bits', () => {
      fc.assert(
        fc.property(fc.integer({ min: 0, max: 511 }), (mask) => {
          assert.equal(
            read(
              der((to) => to.namedBits(mask)),
              (reader) => reader.namedBits('v', 9),
            ),
            mask,
          );
        }),
      );
    });

    it('times, to the second', () => {
      const date = fc.date({
        min: new Date('0000-01-01T00:00:00Z'),
        max: new Date('9999-12-31T23:59:59Z'),
        noInvalidDate: true,
      });
      fc.assert(
        fc.property(date, (value) => {
          const seconds = Math.floor(value.getTime() / 1000) * 1000;
          assert.equal(
            read(
              der((to) => writeTime(to, value)),
              (reader) => readTime(reader, 't'),
            ).getTime(),
            seconds,
          );
          const general = der((to) => writeGeneralizedTime(to, value));
          assert.equal(read(general, (reader) => readGeneralizedTime(reader, 't')).getTime(), seconds);
        }),
      );
    });
  });

  it('writes each year in the form that RFC 5280 §4.1.2.5 demands', () => {
    const form = (text: string): number => der((to) => writeTime(to, new Date(text)))[0]!;
    assert.equal(form('1949-12-31T23:59:59Z'), Tag.GENERALIZED_TIME);
    assert.equal(form('1950-01-01T00:00:00Z'), Tag.UTC_TIME);
    assert.equal(form('2049-12-31T23:59:59Z'), Tag.UTC_TIME);
    assert.equal(form('2050-01-01T00:00:00Z'), Tag.GENERALIZED_TIME);
  });

  it('reads two digits of a year as 1950 to 2049', () => {
    const year = (digits: string): number => {
      const text = new TextEncoder().encode(`${digits}0101000000Z`);
      return read(
        der((to) => to.primitive(Tag.UTC_TIME, text)),
        (reader) => readTime(reader, 't'),
      ).getUTCFullYear();
    };
    assert.deepEqual([year('49'), year('50'), year('99'), year('00')], [2049, 1950, 1999, 2000]);
  });

  it('has no form for a time beyond the year 9999', () => {
    assert.throws(() => der((to) => writeTime(to, new Date(Date.UTC(10_000, 0, 1)))), RangeError);
    assert.throws(() => der((to) => writeTime(to, new Date(Number.NaN))), RangeError);
  });

  describe('refuses values that are not canonical', () => {
    const rows: [name: string, input: string, how: (reader: DerReader) => unknown][] = [
      ['an INTEGER without octets', '0200', (reader) => reader.integer('v')],
      ['a padded positive INTEGER', '02020001', (reader) => reader.integer('v')],
      ['a padded negative INTEGER', '0202ffff', (reader) => reader.integer('v')],
      ['an INTEGER above its limit', '02020100', (reader) => reader.smallInteger('v', 255)],
      ['a BOOLEAN of two octets', '0102ffff', (reader) => reader.boolean('v')],
      ['a BOOLEAN of 0x01', '010101', (reader) => reader.boolean('v')],
      ['a NULL with content', '050100', (reader) => reader.null('v')],
      ['a BIT STRING without octets', '0300', (reader) => reader.bitString('v')],
      ['unused bits that are set', '03020101', (reader) => reader.bits('v')],
      ['unused bits of nothing', '030101', (reader) => reader.bits('v')],
      ['an identifier without octets', '0600', (reader) => reader.oid('v')],
      ['an identifier of 129 octets', `068181${'01'.repeat(129)}`, (reader) => reader.oid('v')],
    ];
    for (const [name, input, how] of rows) it(name, () => refuses(() => read(hex(input), how), 'DER_VALUE', 'x.v'));
  });

  describe('walks an unknown value and refuses', () => {
    const rows: [name: string, input: string, code: 'DER_TAG' | 'DER_VALUE' | 'DER_LENGTH' | 'DER_TRUNCATED'][] = [
      ['a constructed string', '2403040101', 'DER_TAG'],
      ['a primitive SEQUENCE', '1000', 'DER_TAG'],
      ['a tag number above 30', '1f2000', 'DER_TAG'],
      ['end-of-contents octets', '0000', 'DER_TAG'],
      ['an indefinite length within', '3004a0800000', 'DER_LENGTH'],
      ['a child that is longer than its parent', '30030402aa', 'DER_TRUNCATED'],
      ['a padded INTEGER within', '300402020001', 'DER_VALUE'],
    ];
    for (const [name, input, code] of rows) {
      it(name, () => refuses(() => read(hex(input), (reader) => reader.any('v')), code));
    }
  });

  describe('keeps to its limits', () => {
    const nested = (depth: number): Bytes => {
      let inner: Bytes = hex('0500');
      for (let i = 0; i < depth; i += 1) inner = der((to) => to.open(Tag.SEQUENCE).raw(inner).close());
      return inner;
    };
    const any = (reader: DerReader): Bytes => reader.any('');
    const flat = (nodes: number): Bytes =>
      der((to) => {
        to.open(Tag.SEQUENCE);
        for (let i = 1; i < nodes; i += 1) to.null();
        to.close();
      });

    it('of depth', () => {
      read(nested(LIMITS.depth), any);
      refuses(() => read(nested(LIMITS.depth + 1), any), 'DER_LIMIT');
    });

    it('of elements', () => {
      read(flat(LIMITS.nodes), any);
      refuses(() => read(flat(LIMITS.nodes + 1), any), 'DER_LIMIT');
    });

    it('of size', () => {
      const limits = { ...LIMITS, size: 10 };
      read(hex('0408aaaaaaaaaaaaaaaa'), any, limits);
      refuses(() => read(hex('0409aaaaaaaaaaaaaaaaaa'), any, limits), 'DER_LIMIT', 'x');
    });
  });

  it('names the element that it refuses', () => {
    const read = (): void => {
      const reader = new DerReader(hex('3005 3003 010101'), 'x', LIMITS);
      reader.enter(Tag.SEQUENCE, 'list');
      reader.enter(Tag.SEQUENCE, 0);
      reader.boolean('flag');
    };
    refuses(read, 'DER_VALUE', 'x.list[0].flag');
  });

  it('does not write what it could not read', () => {
    assert.throws(() => der((to) => to.open(Tag.SEQUENCE)), /still open/);
    assert.throws(() => new DerWriter().close(), /without open/);
    assert.throws(() => der((to) => to.integerContent(hex('0001'))), RangeError);
    assert.throws(() => der((to) => to.integerContent(hex(''))), RangeError);
    assert.throws(() => der((to) => to.oid('3.1')), TypeError);
    assert.throws(() => der((to) => to.oid('1.40')), TypeError);
  });
});
