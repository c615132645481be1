import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { type TestDatabase, testDatabase } from '../../persistence/test/test-database.ts';
import { Shop } from './shop.ts';

describe('a key that is known to others', () => {
  let database: TestDatabase;
  let shop: Shop;
  before(async function () {
    database = await testDatabase(this);
    shop = await Shop.open(database, 1);
  });
  after(async () => {
    await shop?.close();
    await database?.close();
  });

  const newKeys = () => generateKeyPairSync('ec', { namedCurve: 'P-256' });

  it('gets no certificate any more, whoever asks', async () => {
    const keys = newKeys();
    const license = await shop.license(keys);
    await shop.revoker.change(shop.order({ type: 'revoke', reason: 'keyCompromise' }), license);
    await assert.rejects(shop.license(keys), { code: 'KEY_BLOCKED' });
  });

  it('is none that was only replaced: that stays with its owner', async () => {
    const keys = newKeys();
    const license = await shop.license(keys);
    await shop.revoker.change(shop.order({ type: 'revoke', reason: 'superseded' }), license);
    await assert.rejects(shop.license(keys), { code: 'KEY_REUSED' });
  });

  it('is blocked in a suspended license as well, when it turns out', async () => {
    const keys = newKeys();
    const license = await shop.license(keys);
    await shop.revoker.change(shop.order({ type: 'hold' }), license);
    await assert.rejects(shop.license(keys), { code: 'KEY_REUSED' });
    await shop.revoker.change(shop.order({ type: 'revoke', reason: 'keyCompromise' }), license);
    await assert.rejects(shop.license(keys), { code: 'KEY_BLOCKED' });
  });
});
