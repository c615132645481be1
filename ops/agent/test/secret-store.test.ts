import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ACCESS_KEY, SECRET_KEY, type SecretsEndpoint, startSecretsEndpoint } from '@licet/keystores/testing';
import { bundle, root } from '@licet/verify/testing';
import { SecretStore } from '../secret-store.ts';
import { SiteFolder } from '../site-folder.ts';

const hasCode = (code: string, words: RegExp) => (error: unknown) => {
  const { code: found, message } = error as { code: string; message: string };
  assert.equal(found, code, message);
  assert.match(message, words);
  return true;
};

const first = { key: 'key 1', license: 'license 1' };
const second = { key: 'key 2', license: 'license 2' };
const asked = { key: 'key 2', request: new Uint8Array([1, 2, 3]) };

const ROOT = bundle(root);

describe('A license in AWS Secrets Manager', () => {
  let endpoint: SecretsEndpoint;
  let base: string;
  let secret = 0;
  before(async () => {
    endpoint = await startSecretsEndpoint();
    base = mkdtempSync(join(tmpdir(), 'licet-secret-'));
  });
  beforeEach(() => {
    secret += 1;
    endpoint.failWith = undefined;
  });
  after(async () => {
    await endpoint.close();
    rmSync(base, { recursive: true });
  });

  /** A machine with an empty disk. */
  async function machine(secretAccessKey = SECRET_KEY): Promise<{ store: SecretStore; folder: SiteFolder }> {
    const folder = new SiteFolder(mkdtempSync(join(base, 'machine-')));
    await folder.prepare();
    const place = { secret: `licet/${secret}`, region: 'eu-central-1', endpoint: endpoint.url };
    const credentials = { accessKeyId: ACCESS_KEY, secretAccessKey, sessionToken: undefined };
    const store = new SecretStore(folder, place, () => Promise.resolve(credentials), { now: () => new Date() });
    await store.refresh();
    return { store, folder };
  }
  async function licensed(): Promise<SecretStore> {
    const { store, folder } = await machine();
    writeFileSync(folder.file('root.pem'), ROOT);
    await store.install(first);
    return store;
  }

  it('is there on a machine that comes later, with whom it trusts', async () => {
    await licensed();
    const { store, folder } = await machine();
    assert.deepEqual(await store.current(), first);
    assert.equal(await folder.root(), ROOT);
  });

  it('is renewed by the machine that comes after one that was lost in the middle, with the same request', async () => {
    await (await licensed()).keepPending(asked);
    const { store } = await machine();
    const pending = await store.pending();
    assert.deepEqual([pending?.key, [...(pending?.request ?? [])]], [asked.key, [...asked.request]]);
    await store.install(second);
    const { store: third } = await machine();
    assert.deepEqual(await third.current(), second);
    assert.equal(await third.pending(), undefined);
  });

  it('keeps an open request when only the chain above the license is another', async () => {
    const store = await licensed();
    await store.keepPending(asked);
    await store.install({ ...first, license: 'license 1, another chain' });
    const { store: later } = await machine();
    assert.equal((await later.current())?.license, 'license 1, another chain');
    assert.equal((await later.pending())?.key, asked.key);
  });

  it('of two machines that renew at a time one goes on, and the other finds what that one has made', async () => {
    await licensed();
    const [one, other] = await Promise.all([machine(), machine()]);
    await one.store.keepPending(asked);
    await assert.rejects(
      other.store.keepPending({ ...asked, key: 'key 3' }),
      hasCode('UNAVAILABLE', /Another machine/),
    );
    assert.equal(await other.store.pending(), undefined);
    await other.store.refresh();
    assert.equal((await other.store.pending())?.key, asked.key);
  });

  it('of two machines that enrol at a time one goes on', async () => {
    const [one, other] = await Promise.all([machine(), machine()]);
    await one.store.keepPending(asked);
    await assert.rejects(other.store.keepPending(asked), hasCode('UNAVAILABLE', /Another machine/));
  });

  it('stays as it is while AWS is away, and goes on when it is back', async () => {
    const store = await licensed();
    endpoint.failWith = 503;
    await assert.rejects(store.keepPending(asked), hasCode('UNAVAILABLE', /503/));
    assert.deepEqual(await store.current(), first);
    assert.equal(await store.pending(), undefined);
    endpoint.failWith = undefined;
    await store.keepPending(asked);
    assert.equal((await store.pending())?.key, asked.key);
  });

  it('is nothing to who has other credentials', async () => {
    await licensed();
    await assert.rejects(machine('another/secret+key'), hasCode('KEY_UNAVAILABLE', /InvalidSignature/));
  });

  it('is not taken from a secret that holds something else', async () => {
    endpoint.secrets.set(`licet/${secret}`, { current: 'v1', versions: new Map([['v1', '{"password":"x"}']]) });
    await assert.rejects(machine(), hasCode('STATE_DAMAGED', /something else/));
  });
});
