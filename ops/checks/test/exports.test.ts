import assert from 'node:assert/strict';
import { join } from 'node:path';
import { publicExports } from '../exports.ts';
import committed from '../public-exports.json' with { type: 'json' };

describe('The public exports of the libraries', () => {
  it('are exactly the reviewed list (npm run exports:update after a change that is meant)', () =>
    assert.deepEqual(publicExports(join(import.meta.dirname, '../../..')), committed));
});
