import {
  type Bytes,
  type CertificationRequest,
  decodeCertificationRequest,
  equalBytes,
  fingerprintsAttribute,
  FormatError,
  predecessorAttribute,
  predecessorOf,
} from '@licet/format';
import { renewalMessage } from '@licet/verify';
import { readLicense } from './chain.ts';
import { AgentError } from './errors.ts';
import type { Generation, PendingRequest } from './site-folder.ts';
import { makeRequest, type SiteKey, subjectFor } from './site-key.ts';
import type { Site } from './site.ts';

/** SubjectPublicKeyInfo of what a request asks a license for. */
export function publicKeyIn(pending: PendingRequest): Bytes {
  return read(pending, (request) => request.publicKey.raw);
}

function read<T>({ request }: PendingRequest, look: (request: CertificationRequest) => T): T {
  try {
    return look(decodeCertificationRequest(Uint8Array.from(request)));
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
 * The request for a first license that is open. One for the renewal of a license that is over is not: nobody will grant it,
 * and a token is not for it.
 */
export async function openFirstRequest(site: Site): Promise<PendingRequest | undefined> {
  const pending = await openRequest(site);
  if (pending === undefined || read(pending, predecessorOf) === undefined) return pending;
  await site.store.dropPending();
  await site.keys.forget(pending.key);
  return undefined;
}

/** A new key, and the request for its license: for the first one, or for the renewal of the one that is here. */
export async function begin(site: Site, name?: string, fingerprints: readonly string[] = []): Promise<PendingRequest> {
  const current = await site.store.current();
  if (current === undefined) return beginFirst(site, name, fingerprints);
  return keepNew(site, (key) => renewalOf(current, key, site));
}

/** Also where a license lies that is over: it is nobody's predecessor. */
export function beginFirst(
  site: Site,
  name: string | undefined,
  fingerprints: readonly string[],
): Promise<PendingRequest> {
  const attributes = fingerprints.length === 0 ? [] : [fingerprintsAttribute(fingerprints)];
  return keepNew(site, (key) => makeRequest(key, subjectFor(name), attributes));
}

type Asking = (key: SiteKey) => Promise<Uint8Array>;

async function keepNew(site: Site, asking: Asking): Promise<PendingRequest> {
  const key = await site.keys.make();
  try {
    const pending = { key: key.text, request: await asking(key) };
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

/** It names the license and is vouched for by its key, so it can go by any way: over TLS, which shows the license too, or as a file. */
async function renewalOf({ key: text, license }: Generation, key: SiteKey, { keys }: Site): Promise<Uint8Array> {
  const { subject, serial } = readLicense(license).leaf;
  const signature = await (await keys.open(text)).sign(renewalMessage(key.publicKey));
  return makeRequest(key, subject, [predecessorAttribute({ serial, signature: new Uint8Array(signature) })]);
}
