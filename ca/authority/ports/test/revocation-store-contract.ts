import assert from 'node:assert/strict';
import { NO_EXPIRY } from '@licet/format';
import type { Intent } from '../certificate-store.ts';
import type { RevocationEvent } from '../revocation.ts';
import type { RevocationStore } from '../revocation-store.ts';
import { unpackEntries } from '../../revoke/crl/entries.ts';
import { makeIntent } from './certificate-store-contract.ts';

const AT = new Date('2026-11-21T12:00:00Z');
const later = (seconds: number) => new Date(AT.getTime() + seconds * 1000);
const SHARD = { issuer: 'key-1', shard: 0 };

const granting = (intent: Intent, grace: number): Intent => ({
  ...intent,
  claims: {
    id: '00000000-0000-4000-8000-000000000001',
    sequence: 1,
    modes: ['production'],
    tier: { rank: 20, code: 'gold' },
    features: ['press'],
    limits: [],
    term: { from: AT, to: NO_EXPIRY },
    grace,
    contact: 0,
    degrade: 'warn',
  },
});

export type RevocationStoreUnderTest = {
  /** Empty, and the same from both ends as two processes have it. */
  readonly one: RevocationStore;
  readonly other: RevocationStore;
  /** Makes the serials of these intents known. */
  readonly reserve: (intents: readonly Intent[]) => Promise<void>;
};

/** What each revocation store must do, whatever lies beneath. */
export function revocationStoreContract(make: () => Promise<RevocationStoreUnderTest>): void {
  let one: RevocationStore;
  let other: RevocationStore;
  let reserve: RevocationStoreUnderTest['reserve'];
  beforeEach(async () => {
    ({ one, other, reserve } = await make());
  });

  const order = (event: RevocationEvent, organization = 'acme') => ({
    organization,
    event,
    principal: 'p',
    context: {},
  });
  const revoke = order({ type: 'revoke', reason: 'keyCompromise' });
  const issued = async (count = 1): Promise<readonly Intent[]> => {
    const intents = Array.from({ length: count }, () => makeIntent());
    await reserve(intents);
    return intents;
  };
  const listed = async (from = AT) => {
    const { packed } = await one.entries(SHARD, from, undefined, 100);
    return [...unpackEntries(packed)];
  };

  it('knows what was reserved and nothing else', async () => {
    const [intent] = await issued();
    const [known, unknown] = await one.find([intent!, makeIntent()]);
    assert.deepEqual(known, {
      organization: 'acme',
      crlShard: 0,
      graceUntil: intent!.notAfter,
      closed: false,
      state: { state: 'valid' },
    });
    assert.equal(unknown, undefined);
  });

  it('says what became of each, in order', async () => {
    const [a, b] = await issued(2);
    assert.deepEqual(await one.change(revoke, [a!, makeIntent(), a!, b!], AT), [
      'applied',
      'NOT_ISSUED',
      'unchanged',
      'applied',
    ]);
    const [known] = await other.find([a!]);
    assert.deepEqual(known?.state, { state: 'revoked', since: AT, reason: 'keyCompromise' });
  });

  it('takes the same event again for the same, and refuses another', async () => {
    const [a] = await issued();
    await one.change(revoke, [a!], AT);
    assert.deepEqual(await one.change(revoke, [a!], later(1)), ['unchanged']);
    assert.deepEqual(await one.change(order({ type: 'revoke', reason: 'superseded' }), [a!], AT), ['ALREADY_REVOKED']);
    assert.deepEqual(await one.change(order({ type: 'reinstate' }), [a!], AT), ['ALREADY_REVOKED']);
    assert.deepEqual(await one.change(order({ type: 'hold' }), [a!], AT), ['ALREADY_REVOKED']);
  });

  it('undoes a hold and nothing else', async () => {
    const [a] = await issued();
    assert.deepEqual(await one.change(order({ type: 'reinstate' }), [a!], AT), ['NOT_HELD']);
    assert.deepEqual(await one.change(order({ type: 'hold' }), [a!], AT), ['applied']);
    assert.deepEqual(
      (await listed()).map(({ reason }) => reason),
      ['certificateHold'],
    );
    assert.deepEqual(await one.change(order({ type: 'reinstate' }), [a!], later(1)), ['applied']);
    assert.deepEqual(await listed(), []);
    assert.deepEqual(await one.change(revoke, [a!], later(2)), ['applied']);
  });

  it('remembers since when a suspended certificate was not valid once it is revoked', async () => {
    const [a] = await issued();
    await one.change(order({ type: 'hold' }), [a!], AT);
    await one.change(revoke, [a!], later(60));
    const [entry] = await listed();
    assert.deepEqual([entry?.reason, entry?.revokedAt, entry?.invalidityDate], ['keyCompromise', later(60), AT]);
  });

  it('does not know the certificates of another organization', async () => {
    const [a] = await issued();
    assert.deepEqual(await one.change(order({ type: 'hold' }, 'other'), [a!], AT), ['NOT_ISSUED']);
  });

  it('numbers changes so that a reader who has seen a number misses none', async () => {
    const intents = await issued(20);
    const before = await one.lastChange();
    await Promise.all(intents.map((intent, i) => (i % 2 === 0 ? one : other).change(revoke, [intent], AT)));
    assert.equal(await one.lastChange(), before + 20n);
    assert.equal((await one.changedSince(before, 100))?.length, 20);
    assert.equal((await one.changedSince(before + 15n, 100))?.length, 5);
    assert.equal(await one.changedSince(before, 19), undefined);
  });

  it('carries an order on where it stopped, and lets one process carry it', async () => {
    const intents = await issued(4);
    const progress = { digest: new Uint8Array(32), total: 4, done: 0, outcomes: NONE };
    await one.change(revoke, intents.slice(0, 2), AT, { bulk: { id: 'o', progress, besides: [] } });
    const stored = await other.order('acme', 'o');
    assert.deepEqual([stored?.done, stored?.outcomes.applied], [2, 2]);
    await assert.rejects(one.change(revoke, intents.slice(0, 2), AT, { bulk: { id: 'o', progress, besides: [] } }), {
      code: 'ORDER_STALE',
    });
    await other.change(revoke, intents.slice(3), AT, {
      bulk: { id: 'o', progress: stored!, besides: ['SITE_SUSPENDED'] },
    });
    const over = await one.order('acme', 'o');
    assert.deepEqual([over?.done, over?.outcomes.applied, over?.outcomes.SITE_SUSPENDED, over?.at], [4, 3, 1, AT]);
    assert.equal(await one.order('other', 'o'), undefined);
  });

  it('lists what can still be used, page by page', async () => {
    const intents = await issued(7);
    await one.change(revoke, intents, AT);
    const seen: string[] = [];
    let page = await one.entries(SHARD, AT, undefined, 3);
    for (;;) {
      for (const { serial } of unpackEntries(page.packed)) seen.push(Buffer.from(serial).toString('hex'));
      if (page.next === undefined) break;
      page = await one.entries(SHARD, AT, page.next, 3);
    }
    assert.deepEqual(seen.toSorted(), intents.map(({ serial }) => Buffer.from(serial).toString('hex')).toSorted());
    assert.deepEqual(await listed(new Date(intents[0]!.notAfter.getTime() + 1)), []);
  });

  it('takes what has expired for what can be used for as long as its claims say, and beyond all dates if they do', async () => {
    const [plain, some, most] = [0, 60, Number.MAX_SAFE_INTEGER].map((grace) => granting(makeIntent(), grace));
    await reserve([plain!, some!, most!]);
    const until = (await one.find([plain!, some!, most!])).map((known) => known?.graceUntil);
    const end = plain!.notAfter;
    assert.deepEqual(until, [end, new Date(end.getTime() + 60_000), NO_EXPIRY]);
    const serials = (found: readonly { serial: Uint8Array }[]) => found.map(({ serial }) => Buffer.from(serial));
    const inGrace = new Date(end.getTime() + 60_000);
    const isOne = ([found]: Buffer[], { serial }: Intent) => found?.equals(serial) === true;
    assert.equal((await one.issuedBy('key-1', inGrace, undefined, 10)).length, 2);
    await one.change(revoke, [some!], inGrace);
    assert.ok(isOne(serials(await listed(inGrace)), some!));
    assert.ok(isOne(serials(await one.issuedBy('key-1', inGrace, undefined, 10)), most!));
    assert.deepEqual(await listed(new Date(inGrace.getTime() + 1)), []);
  });

  const crl = (number: bigint, size = 3_000_000) => ({
    ...SHARD,
    number,
    size,
    entries: 0,
    sha256: new Uint8Array(32),
    thisUpdate: AT,
    nextUpdate: later(60),
    publishedAt: AT,
    covers: 0n,
  });
  const publish = (number: bigint, der: Uint8Array, store = one) =>
    store.exclusively(SHARD, async (hold) => {
      await store.publish(hold, crl(number, der.length), der);
      return true;
    });

  it('gives back the CRL in force, byte for byte, and none with a lower number', async () => {
    const der = new Uint8Array(2_500_000).map((_, i) => i * 31);
    await publish(5n, der);
    const header = (await other.published(SHARD))!;
    const parts: Uint8Array[] = [];
    for await (const part of other.parts(header)) parts.push(part);
    assert.ok(Buffer.concat(parts).equals(der));
    await assert.rejects(publish(5n, der), { code: 'CRL_REFUSED' });
    await assert.rejects(publish(4n, der), { code: 'CRL_REFUSED' });
    assert.equal((await one.published(SHARD))?.number, 5n);
  });

  it('lets one process publish a shard at a time', async () => {
    const inside = await one.exclusively(SHARD, () => publish(1n, new Uint8Array(1), other));
    assert.equal(inside, undefined);
    assert.equal(await publish(1n, new Uint8Array(1), other), true);
  });

  it('sees which shard is behind, and since when', async () => {
    const [a] = await issued();
    await publish(1n, new Uint8Array(1));
    assert.equal((await one.shards(['key-1']))[0]?.behindSince, undefined);
    await one.change(revoke, [a!], later(3));
    const [standing] = await one.shards(['key-1']);
    assert.deepEqual(standing?.behindSince, later(3));
    assert.ok(standing.lastChange > standing.crl!.covers);
  });
}

const NONE = { applied: 0, unchanged: 0, ALREADY_REVOKED: 0, NOT_HELD: 0, NOT_ISSUED: 0, SITE_SUSPENDED: 0 };
