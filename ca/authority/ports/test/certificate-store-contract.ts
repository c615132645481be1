import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import type { CertificateStore, Intent } from '../certificate-store.ts';

const AT = new Date('2026-11-21T12:00:00Z');
const later = (seconds: number) => new Date(AT.getTime() + seconds * 1000);

/** What each certificate store must do, whatever lies beneath. `makeStore` gives an empty one. */
export function certificateStoreContract(makeStore: () => Promise<CertificateStore>): void {
  let store: CertificateStore;
  beforeEach(async () => {
    store = await makeStore();
  });

  const outcomes = async (...intents: Intent[]) => (await store.reserve(intents)).map(({ outcome }) => outcome);
  const issued = (intent: Intent) => ({ intent, certificate: certificateOf(intent), at: later(1) });

  it('reserves intents and answers in their order', async () => {
    assert.deepEqual(await outcomes(makeIntent(), makeIntent(), makeIntent()), ['reserved', 'reserved', 'reserved']);
  });

  it('takes an empty batch', async () => {
    assert.deepEqual(await store.reserve([]), []);
    assert.deepEqual(await store.commit([]), []);
  });

  it('says the same when a call is repeated because its answer was lost', async () => {
    const intent = makeIntent();
    assert.deepEqual(await outcomes(intent), ['reserved']);
    assert.deepEqual(await outcomes(intent), ['reserved']);
    assert.equal((await store.commit([issued(intent)]))[0]?.outcome, 'committed');
    assert.equal((await store.commit([issued(intent)]))[0]?.outcome, 'already-committed');
  });

  it('never gives a serial twice, also not after the intent was closed', async () => {
    const intent = makeIntent();
    await store.reserve([intent]);
    const other = { ...makeIntent(), serial: intent.serial };
    assert.deepEqual(await outcomes(other), ['serial-taken']);
    await store.close([intent], 'never signed', later(1));
    assert.deepEqual(await outcomes({ ...makeIntent(), serial: intent.serial }), ['serial-taken']);
  });

  it('judges two intents of one batch in order', async () => {
    const intent = makeIntent();
    assert.deepEqual(await outcomes(intent, { ...makeIntent(), request: intent.request }), ['reserved', 'pending']);
    assert.deepEqual(await outcomes({ ...makeIntent(), serial: intent.serial }), ['serial-taken']);
  });

  it('shows the unfinished intent of the same request', async () => {
    const intent = makeIntent();
    await store.reserve([intent]);
    const [reservation] = await store.reserve([{ ...makeIntent(), request: intent.request }]);
    assert.equal(reservation?.outcome, 'pending');
    assert.deepEqual(reservation.intent, intent);
  });

  it('answers the same request with the same certificate until that has expired', async () => {
    const intent = makeIntent();
    await store.reserve([intent]);
    await store.commit([issued(intent)]);
    const again = { ...makeIntent(), request: intent.request, publicKey: intent.publicKey };
    const [reservation] = await store.reserve([again]);
    assert.equal(reservation?.outcome, 'issued');
    assert.deepEqual(Buffer.from(reservation.certificate), certificateOf(intent));
    assert.deepEqual(Buffer.from((await store.findByRequest(intent.request, AT))!), certificateOf(intent));
    const afterwards = new Date(intent.notAfter.getTime() + 1000);
    assert.equal(await store.findByRequest(intent.request, afterwards), undefined);
    assert.deepEqual(await outcomes({ ...again, serial: makeIntent().serial, at: afterwards }), ['reserved']);
  });

  it('lets a request be made again after its intent was closed', async () => {
    const intent = makeIntent();
    await store.reserve([intent]);
    await store.close([intent], 'never signed', later(1));
    assert.deepEqual(await outcomes({ ...makeIntent(), request: intent.request }), ['reserved']);
  });

  it('refuses the certificate of an intent that was closed, and writes nothing', async () => {
    const intent = makeIntent();
    await store.reserve([intent]);
    await store.close([intent], 'never signed', later(1));
    assert.equal((await store.commit([issued(intent)]))[0]?.outcome, 'closed');
    assert.equal(await store.findByRequest(intent.request, AT), undefined);
  });

  it('does not close what has a certificate', async () => {
    const intent = makeIntent();
    await store.reserve([intent]);
    await store.commit([issued(intent)]);
    await store.close([intent], 'never signed', later(1));
    assert.notEqual(await store.findByRequest(intent.request, AT), undefined);
  });

  it('refuses a public key that was certified for another owner, and takes it from the same', async () => {
    const intent = makeIntent();
    await store.reserve([intent]);
    const same = { ...makeIntent(), publicKey: intent.publicKey };
    assert.deepEqual(await outcomes({ ...same, keyOwner: 'somebody else' }, { ...same, keyOwner: intent.keyOwner }), [
      'key-reused',
      'reserved',
    ]);
  });

  it('commits each item of a batch by itself', async () => {
    const [closed, open] = [makeIntent(), makeIntent()];
    await store.reserve([closed, open]);
    await store.close([closed], 'never signed', later(1));
    const commitments = await store.commit([issued(closed), issued(open)]);
    assert.deepEqual(
      commitments.map(({ outcome }) => outcome),
      ['closed', 'committed'],
    );
  });

  it('lists unfinished intents, oldest first, with everything that is needed to finish them', async () => {
    const intents = [3, 1, 2, 4, 5].map((second) => makeIntent(later(second)));
    await store.reserve(intents);
    await store.commit([issued(intents[0]!)]);
    await store.close([intents[3]!], 'never signed', later(9));
    assert.deepEqual(await store.intentsWithoutCertificate(later(5), 10), [intents[1], intents[2]]);
    assert.deepEqual(await store.intentsWithoutCertificate(later(60), 1), [intents[1]]);
  });

  it('reserves one of fifty copies of a request that arrive at once', async () => {
    const request = bytes(32);
    const all = await Promise.all(Array.from({ length: 50 }, () => outcomes({ ...makeIntent(), request })));
    const counted = all.flat();
    assert.equal(counted.filter((outcome) => outcome === 'reserved').length, 1);
    assert.equal(counted.filter((outcome) => outcome === 'pending').length, 49);
  });
}

const bytes = (length: number) => new Uint8Array(randomBytes(length));
const certificateOf = (intent: Intent) => Buffer.concat([intent.tbs, Buffer.from('signed')]);

export function makeIntent(at = AT): Intent {
  return {
    issuer: 'key-1',
    serial: Uint8Array.of(1, ...bytes(16)),
    request: bytes(32),
    csr: bytes(32),
    publicKey: bytes(32),
    keyOwner: 'lineage 1',
    tbs: bytes(300),
    profile: 'site',
    profileHash: bytes(32),
    claims: undefined,
    organization: 'acme',
    enterprise: 'globex',
    notBefore: AT,
    notAfter: new Date(AT.getTime() + 30 * 86_400_000),
    crlShard: 0,
    context: { site: 'plant-7' },
    at,
  };
}
