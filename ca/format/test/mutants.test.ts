import assert from 'node:assert/strict';
import { judge } from './oracle.ts';
import { runMutants, SEEDS } from './mutants.ts';

// The full million runs in the drill b1-mutants; here as many as a few seconds allow.
const INPUTS = 20_000;

describe('mutated DER', () => {
  for (const { parser, name, bytes } of SEEDS) {
    it(`accepts the seed ${name} as it is`, () => {
      assert.deepEqual(judge(parser, bytes), { problem: undefined, accepted: true });
    });
  }

  it('ends in a FormatError, or is canonical, and never stalls', function () {
    this.timeout(60_000);
    const report = runMutants(INPUTS, 20_260_101, () => performance.now());
    assert.deepEqual(report.problems, []);
    assert.ok(report.accepted > 0, 'some mutants are still valid, or the mutator is too rough');
    assert.ok(report.accepted < INPUTS / 2, 'most mutants are refused, or the mutator changes nothing');
    assert.ok(report.slowest <= 100, `the slowest input took ${report.slowest} ms`);
  });
});
