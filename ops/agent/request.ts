import {
  type Bytes,
  decodeCertificationRequest,
  fingerprintsAttribute,
  FormatError,
  predecessorAttribute,
} from '@licet/format';
import { renewalMessage } from '@licet/verify';
import { readLicense } from './chain.ts';
import { AgentError } from './errors.ts';
import type { PendingRequest } from './site-folder.ts';
import { makeRequest, type SiteKey, subjectFor } from './site-key.ts';
import type { Site } from './site.ts';

/** SubjectPublicKeyInfo of what a request asks a license for. */
export function publicKeyIn({ request }: PendingRequest): Bytes {
  try {
    return decodeCertificationRequest(Uint8Array.from(request)).publicKey.raw;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const message = `The request in pending/ is damaged (${error.message}): put back what was there.`;
    throw new AgentError('STATE_DAMAGED', message, { cause: error });
  }
}

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
