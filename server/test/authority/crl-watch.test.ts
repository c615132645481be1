import assert from 'node:assert/strict';
import { checkCrls, type CrlWatchDeps } from '../../authority/crl-watch.ts';

const NOW = new Date('2026-11-21T12:00:00Z');
const DAY = 86_400_000;

type Given = {
  readonly own?: number;
  readonly root?: number | 'none';
  readonly rootIsHeld?: boolean;
  readonly ahead?: string;
  readonly at?: readonly string[];
  readonly keys?: readonly string[];
};

/** Lists that end in so many days; what is not said ends in a hundred. That of `ahead` begins tomorrow. */
function deps({
  own = 100,
  root = 100,
  rootIsHeld = false,
  ahead,
  at = ['http://pki.example/crl/root'],
  keys = ['organization'],
}: Given): CrlWatchDeps {
  const standing = (issuer: string, days: number) => {
    const thisUpdate = new Date(NOW.getTime() + (issuer === ahead ? DAY : 0));
    const crl = { issuer, shard: 0, thisUpdate, nextUpdate: new Date(NOW.getTime() + days * DAY) };
    return { issuer, shard: 0, crl };
  };
  const all = [standing('organization', own), ...(root === 'none' ? [] : [standing('root', root)])];
  return {
    directory: {
      held: () => Promise.resolve([{ key: 'organization', purpose: 'organization' }]),
      list: () => Promise.resolve([{ key: 'root', held: rootIsHeld, status: 'active', addresses: { crls: at } }]),
    },
    revocations: {
      shards: (keys: readonly string[]) => Promise.resolve(all.filter(({ issuer }) => keys.includes(issuer))),
    },
    signer: { keys: () => Promise.resolve(keys.map((id) => ({ id }))) },
  } as unknown as CrlWatchDeps;
}

describe('the CRLs above all others', () => {
  it('are ready while all are in force', async () => {
    assert.equal(await checkCrls(deps({}), NOW), undefined);
  });

  it("are not when the organization's has ended", async () => {
    await assert.rejects(checkCrls(deps({ own: 0 }), NOW), /out of date/);
  });

  it('do not ask for that of a CA whose key is lost: no server could make it, and all would be out for weeks', async () => {
    assert.equal(await checkCrls(deps({ own: 0, keys: [] }), NOW), undefined);
  });

  it("are not when the root's has ended, wherever its key is", async () => {
    await assert.rejects(checkCrls(deps({ root: 0 }), NOW), /root .* ended at 2026-11-21.*licet authority import/);
    await assert.rejects(checkCrls(deps({ root: -1, rootIsHeld: true }), NOW), /root .* ended/);
  });

  it('are named when one is from the future, whichever clock is to blame', async () => {
    const either = /begins at 2026-11-22.*if it is behind; if it was ahead .*"licet reconcile --accept-clock"/;
    assert.match((await checkCrls(deps({ ahead: 'organization' }), NOW))!, either);
    assert.match((await checkCrls(deps({ ahead: 'root', rootIsHeld: true }), NOW))!, either);
    assert.match((await checkCrls(deps({ ahead: 'root' }), NOW))!, /begins at .*wait until then/);
  });

  it('say so thirty days before, where somebody has to bring the next one', async () => {
    assert.match((await checkCrls(deps({ root: 29 }), NOW)) ?? '', /ends at .*: bring the next one/);
    assert.equal(await checkCrls(deps({ root: 31 }), NOW), undefined);
    assert.equal(await checkCrls(deps({ root: 1, rootIsHeld: true }), NOW), undefined);
  });

  it('say so when none of the root is published here, which may be meant so', async () => {
    assert.match((await checkCrls(deps({ root: 'none' }), NOW)) ?? '', /No CRL of the root/);
  });

  it('do not ask for that of a root whose organization publishes it elsewhere', async () => {
    assert.equal(await checkCrls(deps({ root: 'none', at: [] }), NOW), undefined);
  });
});
