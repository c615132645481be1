import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { HttpError } from '../../problem.ts';
import { parseJson } from '../json.ts';

const limits = { depth: 50, keys: 100_000 };
const bytes = (text: string) => new TextEncoder().encode(text);
const RESERVED = /"(__proto__|constructor|prototype)":/;

describe('JSON from strangers', () => {
  it('is what JSON.parse makes of it, for everything that JSON.stringify writes', () => {
    fc.assert(
      fc.property(fc.json({ maxDepth: 8 }), (text) => {
        fc.pre(!RESERVED.test(text));
        assert.deepEqual(parseJson(bytes(text), limits), JSON.parse(text));
      }),
    );
  });

  it('is never taken when JSON.parse would not take it', () => {
    const alphabet = fc.constantFrom('{', '}', '[', ']', '"', '\\', ':', ',', 'a', '1', ' ', '\n', '\\u0041');
    fc.assert(
      fc.property(fc.string({ unit: alphabet, maxLength: 20 }), (text) => {
        let expected: unknown;
        try {
          expected = JSON.parse(text);
        } catch {
          assert.throws(() => parseJson(bytes(text), limits), HttpError);
          return;
        }
        try {
          assert.deepEqual(parseJson(bytes(text), limits), expected);
        } catch (error) {
          // Stricter is allowed in one way here: a name given twice.
          assert.ok(error instanceof HttpError && error.code === 'JSON_REFUSED', String(error));
        }
      }),
      { numRuns: 2000 },
    );
  });

  it('counts braces and colons inside strings as text', () => {
    const text = JSON.stringify({ a: '{"a":{"a":{"a":1}}}', b: '[[[[', 'c:"': '\\"a":' });
    assert.deepEqual(parseJson(bytes(text), { depth: 1, keys: 3 }), JSON.parse(text));
  });

  it('the same name in two objects is fine, twice in one is not, however it is escaped', () => {
    assert.deepEqual(parseJson(bytes('[{"a":1},{"a":{"a":2}}]'), limits), [{ a: 1 }, { a: { a: 2 } }]);
    for (const text of ['{"a":1,"a":1}', '{"a":1,"\\u0061":2}', '{"a":{"b":1},"a" : 2}']) {
      assert.throws(() => parseJson(bytes(text), limits), { code: 'JSON_REFUSED' }, text);
    }
  });

  it('takes time in proportion to its length, whatever it holds', () => {
    const size = 1_000_000;
    for (const text of ['"'.repeat(size), '\\"'.repeat(size / 2), '" '.repeat(size / 2), `"${'\\'.repeat(size)}`]) {
      const started = performance.now();
      assert.throws(() => parseJson(bytes(text), limits));
      assert.ok(performance.now() - started < 1000);
    }
  });
});
