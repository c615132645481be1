import { toHex } from '@licet/format';
import { entriesSince } from '../../issue/recover.ts';
import { SKEW_MS } from '../../ports/clock.ts';
import type { PublishedCrl, RevocationStore } from '../../ports/revocation-store.ts';
import type { RevocationRecord, Signer } from '../../ports/signer.ts';
import { whichCounts } from '../steps.ts';
import type { LostEntry } from './draft.ts';

const BATCH = 1000;

/**
 * Of the entries that the next CRL would lose, those that it may not: an entry goes once it stood on a CRL that was made
 * when the certificate could not be used any more (RFC 5280 §3.3, and its grace), and a hold goes with a reinstatement that
 * is in the journal. The database alone is not believed: one restored from an old backup has forgotten what was revoked since.
 */
export async function unexcused(
  lost: readonly LostEntry[],
  previous: PublishedCrl,
  now: Date,
  { store, signer }: { readonly store: RevocationStore; readonly signer: Signer },
): Promise<readonly LostEntry[]> {
  const left: LostEntry[] = [];
  const reinstated: LostEntry[] = [];
  for (let at = 0; at < lost.length; at += BATCH) {
    const part = lost.slice(at, at + BATCH);
    const known = await store.find(part.map(({ serial }) => ({ issuer: previous.issuer, serial })));
    part.forEach((entry, i) => {
      const certificate = known[i];
      if (certificate !== undefined && certificate.graceUntil < previous.thisUpdate) return;
      const isReinstated = entry.held && certificate?.state.state === 'valid';
      (isReinstated ? reinstated : left).push(entry);
    });
  }
  if (reinstated.length === 0) return left;
  // Of a list from the future nobody knows when it was made, so the whole journal is read.
  // A reinstatement may also be older in the journal than its commit.
  const since = previous.publishedAt > now ? new Date(0) : new Date(previous.publishedAt.getTime() - SKEW_MS);
  return [...left, ...(await withoutReinstatement(reinstated, previous.issuer, since, signer))];
}

async function withoutReinstatement(
  entries: readonly LostEntry[],
  issuer: string,
  since: Date,
  signer: Signer,
): Promise<LostEntry[]> {
  const wanted = new Set(entries.map(({ serial }) => toHex(serial)));
  const records = new Map<string, RevocationRecord>();
  for await (const { record } of entriesSince(signer, since)) {
    if (record.type !== 'revocation' || record.key !== issuer) continue;
    const serial = toHex(record.serial);
    if (wanted.has(serial)) records.set(serial, whichCounts(records.get(serial), record));
  }
  return entries.filter(({ serial }) => records.get(toHex(serial))?.event !== 'reinstated');
}
