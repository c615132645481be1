import assert from 'node:assert/strict';
import { hasCode } from '../../signer/test/errors.ts';
import { combineShares, createShares } from '../shares.ts';

/** All ways to take `size` of the items. */
function choose<T>(items: readonly T[], size: number): T[][] {
  if (size === 0) return [[]];
  return items.flatMap((item, i) => choose(items.slice(i + 1), size - 1).map((rest) => [item, ...rest]));
}

describe('Shares of a wrapping key', () => {
  it('give it back, whichever k of the n meet, in any order', async () => {
    const { wrappingKey, shares } = await createShares(3, 5);
    assert.equal(wrappingKey.length, 32);
    for (const some of choose(shares, 3)) assert.deepEqual(await combineShares(some.toReversed()), wrappingKey);
    assert.deepEqual(await combineShares(shares), wrappingKey);
    assert.deepEqual(await combineShares(shares.map((share) => `  ${share.toUpperCase()}\n`)), wrappingKey);
  });

  it('are each useless alone, and say how many are missing', async () => {
    const { shares } = await createShares(3, 5);
    await assert.rejects(combineShares([]), hasCode('SHARE_MISSING'));
    for (const some of [...choose(shares, 1), ...choose(shares, 2)]) {
      await assert.rejects(combineShares(some), hasCode('SHARE_MISSING', /3 different shares/));
    }
    await assert.rejects(combineShares([shares[0]!, shares[0]!, shares[0]!]), hasCode('SHARE_MISSING', /bring 2 more/));
  });

  it('show any character that was changed, by the name of the share', async () => {
    const { shares } = await createShares(2, 3);
    const [one, two] = [shares[0]!, shares[1]!];
    for (let at = 0; at < two.length; at += 1) {
      const changed = two.slice(0, at) + (two[at] === '1' ? '2' : '1') + two.slice(at + 1);
      await assert.rejects(combineShares([one, changed]), hasCode('SHARE_WRONG'), `character ${at}`);
    }
    const place = two.length - 40;
    const changed = two.slice(0, place) + (two[place] === 'a' ? 'b' : 'a') + two.slice(place + 1);
    await assert.rejects(combineShares([one, changed]), hasCode('SHARE_WRONG', /share 2 of set [0-9a-f]{16}/));
    for (let size = 0; size < two.length; size += 1) {
      await assert.rejects(combineShares([one, two.slice(0, size)]), hasCode('SHARE_WRONG'));
    }
  });

  it('of two sets do not mix', async () => {
    const [a, b] = [await createShares(2, 3), await createShares(2, 3)];
    await assert.rejects(combineShares([a.shares[0]!, b.shares[1]!]), hasCode('SHARE_WRONG', /another set/));
  });

  it('that a forger made consistent still give no wrong key', async () => {
    const { createHash } = await import('node:crypto');
    const { shares } = await createShares(2, 3);
    const parts = shares[1]!.split(':');
    parts[6] = parts[6]!.replace(/^../, (byte) => (byte === '00' ? '01' : '00'));
    const body = parts.slice(0, -1).join(':');
    const forged = `${body}:${createHash('sha256').update(body).digest('hex').slice(0, 16)}`;
    await assert.rejects(combineShares([shares[0]!, forged]), hasCode('SHARE_WRONG', /do not give the key/));
  });

  it('are refused in numbers that make no sense', async () => {
    for (const [needed, total] of [
      [1, 3],
      [4, 3],
      [0, 0],
      [2, 256],
      [2.5, 3],
    ] as const) {
      await assert.rejects(createShares(needed, total), hasCode('CEREMONY_INVALID'));
    }
  });
});
