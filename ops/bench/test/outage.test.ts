import assert from 'node:assert/strict';
import { outage } from '../outage.ts';

const HOUR_MS = 3_600_000;

describe('An authority that is away', function () {
  this.timeout(60_000);

  it('for 24 days stops no site, and ten minutes after it is back all have a new license', async () => {
    const { stopped, lost, recoveredMs } = await outage(6, 24, 48 * HOUR_MS);
    assert.deepEqual({ stopped, lost }, { stopped: 0, lost: 0 });
    assert.ok(recoveredMs > 0 && recoveredMs <= 600_000, `${recoveredMs} ms`);
  });

  it('for longer than licenses and their grace last does stop sites: the drill can tell', async () => {
    const { stopped } = await outage(2, 46, 23 * 24 * HOUR_MS);
    assert.equal(stopped, 2);
  });
});
