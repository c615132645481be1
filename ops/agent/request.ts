import { fingerprintsAttribute, predecessorAttribute } from '@licet/format';
import { renewalMessage } from '@licet/verify';
import { readLicense } from './chain.ts';
import type { PendingRequest } from './site-folder.ts';
import { makeRequest, type SiteKey, subjectFor } from './site-key.ts';
import type { Site } from './site.ts';

/**
 * A new key, and the request for its license. That of a renewal names the license and is vouched for by its key, so that
 * it can go by any way: over TLS, which shows the license too, or as a file.
 */
export async function begin(site: Site, name?: string, fingerprints: readonly string[] = []): Promise<PendingRequest> {
  const key = await site.keys.make();
  const request = await requestFor(site, key, name, fingerprints);
  const pending = { key: key.text, request };
  await site.store.keepPending(pending);
  return pending;
}

async function requestFor(
  { store, keys }: Site,
  key: SiteKey,
  name: string | undefined,
  fingerprints: readonly string[],
): Promise<Uint8Array> {
  const current = await store.current();
  if (current === undefined) {
    return makeRequest(key, subjectFor(name), fingerprints.length === 0 ? [] : [fingerprintsAttribute(fingerprints)]);
  }
  const { subject, serial } = readLicense(current.license).leaf;
  const signature = await (await keys.open(current.key)).sign(renewalMessage(key.publicKey));
  return makeRequest(key, subject, [predecessorAttribute({ serial, signature: new Uint8Array(signature) })]);
}
