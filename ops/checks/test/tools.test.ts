import assert from 'node:assert/strict';
import { hasTool } from '../index.ts';

describe('Tools that tests may need', () => {
  it('are found on the PATH', () => assert.equal(hasTool('sh'), true));
  it('are not found when missing', () => assert.equal(hasTool('licet-no-such-program'), false));
});
