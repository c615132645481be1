import assert from 'node:assert/strict';
import { hash } from 'node:crypto';
import { type FinalReason, REVOCATION_REASONS, type RevocationEvent } from '@licet/authority';
import {
  createAlgorithm,
  decodeCertificateList,
  decodeOcspResponse,
  encodeCertId,
  encodeOcspRequest,
  OID,
  toHex,
} from '@licet/format';
import * as fc from 'fast-check';
import { type TestDatabase, testDatabase } from '../../persistence/test/test-database.ts';
import { type License, Shop } from './shop.ts';

type Model = 'good' | 'certificateHold' | FinalReason;
type Step = { readonly which: number; readonly event: RevocationEvent; readonly minutes: number };

const CERTIFICATES = 4;
const event: fc.Arbitrary<RevocationEvent> = fc.oneof(
  fc.constant({ type: 'hold' } as const),
  fc.constant({ type: 'reinstate' } as const),
  fc.constantFrom(...REVOCATION_REASONS).map((reason) => ({ type: 'revoke', reason }) as const),
);
const step: fc.Arbitrary<Step> = fc.record({
  which: fc.nat(CERTIFICATES - 1),
  event,
  minutes: fc.integer({ min: 1, max: 24 * 60 }),
});

/** What may happen to a certificate, on five lines; the rest of the suite is about how it is kept. */
function next(state: Model, event: RevocationEvent): Model | 'ALREADY_REVOKED' | 'NOT_HELD' {
  const isFinal = state !== 'good' && state !== 'certificateHold';
  if (event.type === 'revoke') return !isFinal || state === event.reason ? event.reason : 'ALREADY_REVOKED';
  if (isFinal) return 'ALREADY_REVOKED';
  if (event.type === 'hold') return 'certificateHold';
  return state === 'certificateHold' ? 'good' : 'NOT_HELD';
}

describe('revocations in any order', () => {
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

  async function inOcsp(license: License): Promise<Model | undefined> {
    const { subject, publicKey } = shop.enterprise.certificate!;
    const raw = encodeCertId({
      hashAlgorithm: createAlgorithm(OID.sha256),
      issuerNameHash: hash('sha256', subject.raw, 'buffer'),
      issuerKeyHash: hash('sha256', publicKey.key, 'buffer'),
      serial: license.serial,
    });
    const body = Buffer.from(encodeOcspRequest({ requests: [{ raw }] }));
    const response = await fetch(`${shop.served.url}/ocsp`, { method: 'POST', body });
    const { basic } = decodeOcspResponse(new Uint8Array(await response.arrayBuffer()));
    const status = basic?.responses[0]?.status;
    return status?.kind === 'revoked' ? (status.reason as Model) : (status?.kind as Model | undefined);
  }

  it('are in CRL and OCSP what the rules say, after each of them, and nothing leaves before its end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 6 }), async (steps) => {
        const licenses = await Promise.all(Array.from({ length: CERTIFICATES }, () => shop.license()));
        const model: Model[] = licenses.map(() => 'good');
        for (const { which, event, minutes } of steps) {
          shop.after(minutes * 60_000);
          const expected = next(model[which]!, event);
          const done = shop.revoker.change(shop.order(event), licenses[which]!);
          if (expected === 'ALREADY_REVOKED' || expected === 'NOT_HELD') await assert.rejects(done, { code: expected });
          else {
            await done;
            model[which] = expected;
          }
          await shop.renew();
          await shop.responder.refresh();
          assert.equal((await shop.publish()).refused, 0);
          shop.after(1100);
          const response = await fetch(shop.enterprise.addresses!.crls[0]!);
          const crl = decodeCertificateList(new Uint8Array(await response.arrayBuffer()));
          for (const [i, license] of licenses.entries()) {
            const entry = crl.find(license.serial);
            assert.equal(entry === undefined ? 'good' : entry.reason, model[i], `${toHex(license.serial)} in the CRL`);
            assert.equal(await inOcsp(license), model[i], `${toHex(license.serial)} in OCSP`);
          }
        }
      }),
      { numRuns: 8 },
    );
  }).timeout(20_000);
});
