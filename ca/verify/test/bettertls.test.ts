import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { type PathResult, verifyPathSync } from '../index.ts';

/*
 * BetterTLS: paths among loops, dead ends, expired and wrong alternatives, and name constraints against names of every
 * form. The sample here is every twentieth of the second kind; see data/make-bettertls.ts for how all 9,572 are run.
 */

type Case = { id: number; certificates: string[]; hostname: string; expected: 'ACCEPT' | 'REJECT' };

const data = JSON.parse(gunzipSync(readFileSync(join(import.meta.dirname, 'data/bettertls.json.gz'))).toString()) as {
  trustRoot: string;
  pathbuilding: Case[];
  nameconstraints: Case[];
};
const bytes = (base64: string): Uint8Array => new Uint8Array(Buffer.from(base64, 'base64'));
const anchors = [bytes(data.trustRoot)];
/** A month after the certificates were made. */
const AT = new Date('2026-12-20T00:00:00Z');

function verify({ certificates, hostname }: Case): PathResult {
  const [leaf, ...intermediates] = certificates.map(bytes);
  const kind = /^[\d.]+$|:/.test(hostname) ? 'ip' : 'dns';
  return verifyPathSync(leaf!, {
    intermediates,
    anchors,
    at: AT,
    purpose: 'serverAuth',
    names: [{ kind, value: hostname }],
  });
}

describe('BetterTLS', () => {
  for (const suite of ['pathbuilding', 'nameconstraints'] as const) {
    it(`agrees with all ${data[suite].length} cases of ${suite}`, function () {
      this.timeout(20_000);
      const wrong = data[suite].flatMap((test) => {
        const { ok, codes } = verify(test);
        return ok === (test.expected === 'ACCEPT') ? [] : [{ id: test.id, expected: test.expected, codes }];
      });
      assert.deepEqual(wrong, []);
    });
  }
});
