import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import {
  createName,
  DerWriter,
  fingerprintsAttribute,
  fingerprintsOf,
  fromHex,
  OID,
  predecessorAttribute,
  predecessorOf,
  Tag,
} from '@licet/format';

const of = (...attributes: ReturnType<typeof predecessorAttribute>[]) => ({ attributes });
const refused = (work: () => unknown) => assert.throws(work, { name: 'FormatError' });

describe('What a site says in its request', () => {
  it('the predecessor comes back as it was said', () => {
    const said = { serial: fromHex('0083aa'), signature: fromHex('3006020101020101') };
    assert.deepEqual(predecessorOf(of(predecessorAttribute(said))), said);
    assert.equal(predecessorOf(of()), undefined);
  });

  it('fingerprints come back as they were said, in any script', () =>
    fc.assert(
      fc.property(fc.array(fc.string({ minLength: 1, unit: 'grapheme' }), { maxLength: 16 }), (said) => {
        assert.deepEqual(fingerprintsOf(of(fingerprintsAttribute(said))), said);
      }),
    ));

  it('is refused with something after its end, a second value, another type, or more than anybody has', () => {
    const raw = (oid: string, ...values: Uint8Array<ArrayBuffer>[]) => of({ oid, values });
    const number = new DerWriter().open(Tag.SEQUENCE).integer(1).close().finish();
    const trailing = new Uint8Array([
      ...predecessorAttribute({ serial: fromHex('01'), signature: fromHex('00') }).values[0]!,
      5,
      0,
    ]);
    const long = predecessorAttribute({ serial: fromHex(`01${'00'.repeat(20)}`), signature: fromHex('00') });
    refused(() => predecessorOf(raw(OID.predecessorSerial, trailing)));
    refused(() => predecessorOf(raw(OID.predecessorSerial, number, number)));
    refused(() => predecessorOf(raw(OID.predecessorSerial, createName([]).raw as Uint8Array<ArrayBuffer>)));
    refused(() => predecessorOf(of(long)));
    refused(() => fingerprintsOf(raw(OID.machineFingerprints, number)));
    refused(() => fingerprintsOf(of(fingerprintsAttribute(Array.from({ length: 17 }, (_, i) => `f${i}`)))));
  });
});
