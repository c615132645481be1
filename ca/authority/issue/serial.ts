import type { Random } from '../ports/random.ts';

const RANDOM_OCTETS = 16;
/**
 * RFC 5280 §4.1.2.2: positive, at most 20 octets. Clearing the top bit of 16 random octets would leave 127 random bits
 * (that is how others came to revoke a million certificates with 63 of 64), and a leading zero octet would make the
 * length vary. So a fixed octet goes in front: the number is positive, always 17 octets, and all 128 bits are random.
 */
const PREFIX = 0x01;

export const SERIAL_OCTETS = 1 + RANDOM_OCTETS;

/** The content octets of the INTEGER. */
export function newSerial(random: Random): Uint8Array {
  const drawn = random.bytes(RANDOM_OCTETS);
  if (drawn.length !== RANDOM_OCTETS)
    throw new RangeError(`Random gave ${drawn.length} bytes instead of ${RANDOM_OCTETS}`);
  const serial = new Uint8Array(SERIAL_OCTETS);
  serial[0] = PREFIX;
  serial.set(drawn, 1);
  return serial;
}

/** The shard is fixed at issuance and stands in the certificate: the serial modulo the number of shards. */
export function shardOf(serial: Uint8Array, shards: number): number {
  // Horner's rule over the octets: exact for any length and any number of shards below 2^45.
  let rest = 0;
  for (const octet of serial) rest = (rest * 256 + octet) % shards;
  return rest;
}
