import assert from 'node:assert/strict';
import { runBitMutants } from './bit-mutants.ts';

describe('single-bit mutants of leaves and CRLs', function () {
  this.timeout(30_000);

  // Every bit of them is what `npm run drill` turns over.
  it('are all refused: a sample', async () => {
    const { mutants, accepted } = await runBitMutants({ leaves: 8, crls: 4, step: 23 });
    assert.ok(mutants > 1000, String(mutants));
    assert.deepEqual(accepted, []);
  });
});
