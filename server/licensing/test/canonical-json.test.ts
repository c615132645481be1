import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { canonicalJson } from '../canonical-json.ts';

describe('canonical JSON, RFC 8785', () => {
  it('writes the example of section 3.2.2 as the RFC does', () => {
    const value = {
      numbers: [Number('333333333.33333329'), 1e30, 4.5, 2e-3, 0.000000000000000000000000001],
      string: '\u20ac$\u000F\u000aA\'\u0042\u0022\u005c\\"/',
      literals: [null, true, false],
    };
    assert.equal(
      canonicalJson(value),
      '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
        '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
    );
  });

  it('sorts members by UTF-16 code units as section 3.2.3 does', () => {
    const names = ['\u20ac', '\r', '\ufb33', '1', '\u{1f600}', '\u0080', '\u00f6'];
    const sorted = ['\r', '1', '\u0080', '\u00f6', '\u20ac', '\u{1f600}', '\ufb33'];
    const value = Object.fromEntries(names.map((name) => [name, 0]));
    assert.equal(canonicalJson(value), `{${sorted.map((name) => `${JSON.stringify(name)}:0`).join(',')}}`);
  });

  it('parses back to the value it was made of, and writes that the same way', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5, stringUnit: 'grapheme' }), (value) => {
        const text = canonicalJson(value);
        const parsed: unknown = JSON.parse(text);
        assert.deepEqual(parsed, JSON.parse(JSON.stringify(value)));
        assert.equal(canonicalJson(parsed), text);
      }),
    );
  });

  it('does not depend on the order in which members were set', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.integer()), (value) => {
        const reversed = Object.fromEntries(Object.entries(value).reverse());
        assert.equal(canonicalJson(reversed), canonicalJson(value));
      }),
    );
  });

  const refused: readonly (readonly [string, unknown])[] = [
    ['undefined', { a: undefined }],
    ['a hole in an array', { a: Array.from({ length: 2 }).fill(0, 1) }],
    ['NaN', [Number.NaN]],
    ['an infinite number', [Number.POSITIVE_INFINITY]],
    ['a bigint', [1n]],
    ['a Date', { at: new Date(0) }],
    ['bytes', { digest: new Uint8Array(1) }],
    ['a function', { toJSON: () => 1 }],
    ['a lone surrogate', ['\ud800']],
    ['a lone surrogate in a name', { '\udc00': 1 }],
    ['33 levels', Array.from({ length: 33 }).reduce<unknown>((inner) => [inner], 0)],
  ];
  for (const [name, value] of refused) {
    it(`refuses ${name}`, () => assert.throws(() => canonicalJson(value), TypeError));
  }

  it('takes 32 levels', () => {
    const deep = Array.from({ length: 32 }).reduce<unknown>((inner) => [inner], 0);
    assert.equal(canonicalJson(deep), `${'['.repeat(32)}0${']'.repeat(32)}`);
  });
});
