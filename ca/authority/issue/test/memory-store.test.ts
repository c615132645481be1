import assert from 'node:assert/strict';
import { certificateStoreContract, makeIntent } from '../../ports/test/certificate-store-contract.ts';
import { MemoryCertificateStore } from '../memory-store.ts';

describe('the certificate store in memory', () => {
  certificateStoreContract(() => Promise.resolve(new MemoryCertificateStore()));

  it('fails on command before it wrote, or after', async () => {
    const store = new MemoryCertificateStore();
    store.failNext('reserve', 'before');
    await assert.rejects(store.reserve([makeIntent()]), /before/);
    assert.equal(store.intents.length, 0);
    store.failNext('reserve', 'after');
    await assert.rejects(store.reserve([makeIntent()]), /after/);
    assert.equal(store.intents.length, 1);
  });

  it('refuses a key on the list of keys that are known to others', async () => {
    const store = new MemoryCertificateStore();
    const intent = makeIntent();
    store.blockKey(intent.publicKey);
    assert.equal((await store.reserve([intent]))[0]?.outcome, 'key-blocked');
  });
});
