import type { CrlEntryFields, RevocationReason } from '@licet/format';
import { statedReason, stateOf } from '../steps.ts';

/**
 * Entries on their way from the database to the thread that makes the CRL, packed: a million of them as objects would
 * cost more than making the CRL. Each is
 *
 *     length of the serial (1) · serial · reason (1) · revoked at (8) · invalid since (8)
 *
 * with times in whole seconds, signed, big endian; an `invalid since` of -2^63 is absent. PostgreSQL packs them so itself.
 */
const NO_TIME = -(2n ** 63n);

export type RevokedEntry = {
  readonly serial: Uint8Array;
  readonly reason: number;
  readonly revokedAt: Date;
  readonly invalidSince: Date | undefined;
};

export function packEntries(entries: readonly RevokedEntry[]): Uint8Array {
  const size = entries.reduce((sum, { serial }) => sum + 18 + serial.length, 0);
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  let at = 0;
  for (const { serial, reason, revokedAt, invalidSince } of entries) {
    bytes[at] = serial.length;
    bytes.set(serial, at + 1);
    at += 1 + serial.length;
    bytes[at] = reason;
    view.setBigInt64(at + 1, seconds(revokedAt));
    view.setBigInt64(at + 9, invalidSince === undefined ? NO_TIME : seconds(invalidSince));
    at += 17;
  }
  return bytes;
}

const seconds = (time: Date): bigint => BigInt(Math.floor(time.getTime() / 1000));

/** Most entries of a CRL have one of few times: of a bulk order, thousands the same. */
export function* unpackEntries(bytes: Uint8Array): Generator<CrlEntryFields> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  let last = { high: 0, low: 0, date: new Date(0) };
  for (let at = 0; at < bytes.length;) {
    const serial = bytes.subarray(at + 1, at + 1 + bytes[at]!);
    at += 1 + serial.length;
    const high = view.getInt32(at + 1);
    const low = view.getUint32(at + 5);
    if (high !== last.high || low !== last.low) last = { high, low, date: new Date((high * 2 ** 32 + low) * 1000) };
    const invalid = view.getBigInt64(at + 9);
    yield {
      serial,
      revokedAt: last.date,
      reason: reasonOf(bytes[at]!),
      ...(invalid !== NO_TIME && { invalidityDate: new Date(Number(invalid) * 1000) }),
    };
    at += 17;
  }
}

const EPOCH = new Date(0);

function reasonOf(number: number): RevocationReason {
  const state = stateOf(number, EPOCH);
  if (state.state === 'valid') throw new RangeError('An entry that was taken off the list is on its way into a CRL.');
  return statedReason(state);
}
