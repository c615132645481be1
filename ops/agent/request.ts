import {
  type Bytes,
  decodeCertificationRequest,
  equalBytes,
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
 * The request that is open. One whose license is in use was answered, and a crash or a full disk came before its end: sent
 * again it would name a predecessor that is used, under a key that is used, and be refused for good.
 */
export async function openRequest({ store }: Site): Promise<PendingRequest | undefined> {
  const [pending, current] = [await store.pending(), await store.current()];
  if (pending === undefined || current === undefined) return pending;
  if (!equalBytes(publicKeyIn(pending), readLicense(current.license).leaf.publicKey.raw)) return pending;
  await store.dropPending();
  return undefined;
}

/**
 * A new key, and the request for its license. That of a renewal names the license and is vouched for by its key, so that
 * it can go by any way: over TLS, which shows the license too, or as a file.
 */
export async function begin(site: Site, name?: string, fingerprints: readonly string[] = []): Promise<PendingRequest> {
  const key = await site.keys.make();
  try {
    const request = await requestFor(site, key, name, fingerprints);
    const pending = { key: key.text, request };
    await site.store.keepPending(pending);
    return pending;
  } catch (error) {
    if (await isKeptNowhere(site)) await site.keys.forget(key.text);
    throw error;
  }
}

/** Of a secret that did not answer nobody knows whether it has the request, and with it the address of the key. */
const isKeptNowhere = async ({ store, folder }: Site): Promise<boolean> =>
  store === folder && (await folder.pending().catch(() => 'perhaps')) === undefined;

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
