import assert from 'node:assert/strict';
import { stampede } from '../stampede.ts';

describe('Ten thousand agents in one second', () => {
  it('are all served within ten minutes, and little later than the server can serve them at best', () => {
    const { lastSeconds, refusals } = stampede(10_000, 50, 5);
    assert.ok(refusals > 0);
    assert.ok(lastSeconds >= 200 && lastSeconds <= 300, `${lastSeconds} s`);
  });

  it('are served at once by a server that can', () => {
    assert.deepEqual(stampede(10_000, 10_000, 5), { lastSeconds: 1, mostAttempts: 1, refusals: 0 });
  });
});
