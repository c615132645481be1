import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { decodeCertificateList, encodeCertificate, encodeTbsCertificate, extension } from '@licet/format';
import { SIGNATURE_ALGORITHMS } from '../../issue/signatures.ts';
import type { PublishedCrl } from '../../ports/revocation-store.ts';
import { ca, name, NOW } from '../../signer/test/hierarchy.ts';
import { type CrlBench, openLocalBench, openThreadBench } from '../crl/bench.ts';
import type { CrlHead, Judgement } from '../crl/draft.ts';
import { packEntries, type RevokedEntry } from '../crl/entries.ts';

const HOUR = 3600_000;
const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const signed = (bytes: Uint8Array) => new Uint8Array(sign('sha256', bytes, privateKey));
const signatureAlgorithm = { raw: SIGNATURE_ALGORITHMS['P-256'] };
const issuer = (() => {
  const tbs = encodeTbsCertificate({
    serial: Uint8Array.of(7),
    signatureAlgorithm,
    issuer: name('acme'),
    notBefore: NOW,
    notAfter: new Date(NOW.getTime() + 1000 * HOUR),
    subject: name('acme'),
    publicKey: { raw: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })) },
    extensions: [...ca(0), extension.subjectKeyIdentifier(Uint8Array.of(1, 2, 3, 4))],
  });
  return encodeCertificate(tbs, signatureAlgorithm, signed(tbs));
})();

const HEAD: CrlHead = {
  issuer,
  algorithm: 'P-256',
  address: 'http://pki.test/crl/0.crl',
  isWhole: false,
  number: 10n,
  madeAt: NOW,
  thisUpdate: NOW,
  nextUpdate: new Date(NOW.getTime() + 24 * HOUR),
  expectedEntries: 0,
};

const entry = (n: number, reason = 1): RevokedEntry => ({
  serial: Uint8Array.of(1, n >> 16, n >> 8, n),
  reason,
  revokedAt: new Date(NOW.getTime() - HOUR),
  invalidSince: undefined,
});
const entries = (count: number) => Array.from({ length: count }, (_, n) => entry(n));

type Before = { readonly der: Uint8Array; readonly published: PublishedCrl };

/** As it is known afterwards; the judgement's own bytes are used up by the next call. */
function known({ der, entries: count, sha256, thisUpdate }: Judgement, number = 10n): Before {
  const { nextUpdate } = HEAD;
  const facts = { size: der.length, entries: count, sha256, thisUpdate, nextUpdate, publishedAt: NOW, covers: 0n };
  return { der: der.slice(), published: { issuer: 'key', shard: 0, number, ...facts } };
}

async function make(
  bench: CrlBench,
  all: readonly RevokedEntry[],
  { head = {}, previous, as = signed }: { head?: Partial<CrlHead>; previous?: Before; as?: typeof signed } = {},
): Promise<Judgement> {
  await bench.begin({ ...HEAD, number: 11n, ...head });
  for (let at = 0; at < all.length; at += 1000) await bench.add(packEntries(all.slice(at, at + 1000)));
  const tbs = await bench.finish();
  await bench.prove(tbs, as(tbs));
  const parts = previous?.der ?? new Uint8Array();
  for (let at = 0; at < parts.length; at += 70_000) await bench.compare(parts.slice(at, at + 70_000));
  return bench.conclude(previous?.published);
}

for (const [where, open] of [
  ['in this thread', openLocalBench],
  ['in a thread of its own', () => openThreadBench()],
] as const) {
  describe(`a CRL that is made ${where}`, () => {
    let bench: CrlBench;
    before(() => (bench = open()));
    after(() => bench.close());

    for (const count of [0, 1, 6000]) {
      it(`is read back with its ${count} entries and what it says of itself`, async () => {
        const made = await make(bench, entries(count), { head: { expectedEntries: count >> 1 } });
        assert.equal(made.defect, undefined);
        const list = decodeCertificateList(made.der);
        assert.equal(list.entryCount, count);
        assert.equal(list.extensions.crlNumber, 11n);
        assert.equal(list.extensions.all.find(({ oid }) => oid === '2.5.29.28')?.critical, true);
        assert.deepEqual(
          [...list.entries()].map(({ serial }) => [...serial].at(-1)).slice(0, 2),
          [0, 1].slice(0, count),
        );
      });
    }

    it('names what the one before had and it has not, and what it only suspends', async () => {
      const previous = known(await make(bench, [...entries(6000), entry(7000, 6)], { head: { number: 10n } }));
      const made = await make(bench, [...entries(6000).slice(1), entry(0, 6)], { previous });
      assert.equal(made.defect, undefined);
      assert.deepEqual(
        made.lost.map(({ serial, held }) => [Buffer.from(serial).toString('hex'), held]),
        [
          ['01000000', false],
          ['01001b58', true],
        ],
      );
    });

    it('does not stand with a signature of somebody else, or of something else', async () => {
      const other = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey;
      const made = await make(bench, entries(2), { as: (tbs) => new Uint8Array(sign('sha256', tbs, other)) });
      assert.match(made.defect!, /our own verifier/);
      const moved = await make(bench, entries(6000), { as: (tbs) => signed(tbs.subarray(1)) });
      assert.match(moved.defect!, /our own verifier/);
    });

    it('does not stand when it goes back in number or in time', async () => {
      const previous = known(await make(bench, entries(2)));
      const number = await make(bench, entries(2), { head: { number: 10n }, previous });
      assert.match(number.defect!, /its number is not above 10/);
      const thisUpdate = new Date(NOW.getTime() - 1000);
      const time = await make(bench, entries(2), { head: { thisUpdate }, previous });
      assert.match(time.defect!, /would be older than the CRL of 2027-01-01T00:00:00/);
    });

    it('does not stand beside one that was damaged or broke off: nobody knows what was on that', async () => {
      const previous = known(await make(bench, entries(6000)));
      const der = previous.der.slice();
      der[der.length >> 1]! ^= 1;
      const damaged = await make(bench, entries(6000), { previous: { ...previous, der } }).then(
        ({ defect, lost }) => defect ?? lost.length,
        (error: Error) => error.message,
      );
      assert.notEqual(damaged, 0);
      const short = { ...previous, der: previous.der.slice(0, 100_000) };
      await assert.rejects(make(bench, entries(6000), { previous: short }), /before its last entry/);
    });
  });
}

describe('a thread that makes CRLs', () => {
  it('says so when it ends in the middle of its work, and does not let anybody wait', async () => {
    const bench = openThreadBench(new URL('data:text/javascript,setTimeout(() => process.exit(3), 50)'));
    await assert.rejects(bench.begin(HEAD), /The thread that makes CRLs ended with code 3/);
    await assert.rejects(bench.begin(HEAD), /ended with code 3/);
    await bench.close();
  });

  it('that cannot even begin is a refusal and not the end of the process', async () => {
    const bench = openThreadBench(new URL('data:text/javascript,throw new Error("no room")'));
    await assert.rejects(bench.begin(HEAD), /no room/);
    await bench.close();
  });
});
