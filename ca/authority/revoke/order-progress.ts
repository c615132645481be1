import { createHash } from 'node:crypto';
import type { RevocationEvent } from '../ports/revocation.ts';
import type { CertificateId, CountedOutcome, OrderProgress } from '../ports/revocation-store.ts';

/** What an order over many certificates is known by: lengths go in front, so no two lists look alike. */
function digestOf(event: RevocationEvent, ids: readonly CertificateId[]): Uint8Array {
  const hash = createHash('sha256').update(JSON.stringify(event)).update('\n');
  for (const { issuer, serial } of ids) {
    hash.update(`${Buffer.byteLength(issuer)}:${issuer}${serial.length}:`).update(serial);
  }
  return new Uint8Array(hash.digest());
}

export const NONE: OrderProgress['outcomes'] = {
  applied: 0,
  unchanged: 0,
  ALREADY_REVOKED: 0,
  NOT_HELD: 0,
  NOT_ISSUED: 0,
  SITE_SUSPENDED: 0,
};

/** Where an order stands before its first batch. */
export const beginningOf = (event: RevocationEvent, ids: readonly CertificateId[]): OrderProgress => ({
  digest: digestOf(event, ids),
  total: ids.length,
  done: 0,
  outcomes: NONE,
});

/** The progress after one more batch. */
export function advanced(before: OrderProgress, batch: readonly CountedOutcome[]): OrderProgress {
  const outcomes = { ...before.outcomes };
  for (const outcome of batch) outcomes[outcome] += 1;
  return { ...before, done: before.done + batch.length, outcomes };
}
