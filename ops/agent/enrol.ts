import { createHash } from 'node:crypto';
import { type Bytes, decodePem, equalBytes } from '@licet/format';
import type { Code } from '@licet/verify';
import { bundle, proveLicense, readLicense } from './chain.ts';
import { writeDurably } from './durable.ts';
import { AgentError } from './errors.ts';
import { type Credentials, EstClient, noServer, toPem } from './est-client.ts';
import { firstEvidence } from './evidence.ts';
import { trustOf } from './http.ts';
import type { Kit } from './kit.ts';
import { fingerprintsHere, look } from './look.ts';
import { begin, beginFirst, openFirstRequest, openRequest, publicKeyIn } from './request.ts';
import type { Settings } from './settings.ts';
import type { PendingRequest, SiteFolder } from './site-folder.ts';
import type { Site } from './site.ts';

/** First license of a site. Can be repeated after any failure: the same request is made again. */
export async function enrol(site: Site, kit: Kit, now: () => Date): Promise<void> {
  const { folder } = site;
  const isAnew = (await site.store.current()) !== undefined;
  if (isAnew) await checkIsOver(site, kit.settings, now());
  const client = new EstClient(kit.settings, site.signal);
  const root = await fetchRoot(client, kit.rootFingerprint);
  if (isAnew) await checkSameRoot(folder, root);
  await writeDurably(folder.file('root.pem'), root);
  await writeSettings(site, kit.settings);
  const pending =
    (await openFirstRequest(site)) ?? (await beginFirst(site, kit.name, await fingerprintsHere(kit.settings)));
  await obtain({ site, client, settings: kit.settings, root, now }, pending, { token: kit.token });
}

/**
 * A license that nothing can renew any more makes room for another, in the folder that products and units know. It is
 * replaced when the other is there, and not before.
 */
async function checkIsOver(site: Site, settings: Settings, at: Date): Promise<void> {
  const isOver = async () => (await look(site, settings, at))?.codes.some(({ code }) => OVER.has(code)) === true;
  if (await isOver()) return;
  // The server may have said so at the last renewal, and what lies here is of before.
  await firstEvidence(site, at, settings);
  if (await isOver()) return;
  throw new AgentError(
    'ALREADY_ENROLLED',
    `${site.folder.path} holds a license that can be renewed: renew it, or take another folder.`,
  );
}

/** Of the license itself, and for good. One in its grace is renewed and says IN_GRACE. */
const OVER: ReadonlySet<Code> = new Set(['EXPIRED', 'REVOKED', 'SUPERSEDED']);

/** A new license for the one that we have, with a new key. */
export async function renew(site: Site, settings: Settings, now: () => Date): Promise<void> {
  const current = await site.store.current();
  if (current === undefined)
    throw new AgentError('NOT_ENROLLED', `There is no license in ${site.folder.path}: enrol first.`);
  readLicense(current.license);
  // Before a request is made that nobody would be asked with: that of the next `licet-agent request` would be another one.
  if (settings.servers.length === 0) throw noServer();
  const { tls } = await site.keys.open(current.key);
  // A key that no TLS handshake can use has signed the request itself.
  const credentials: Credentials =
    tls === undefined ? 'in the request' : { identity: { key: tls, certificates: current.license } };
  const pending = (await openRequest(site)) ?? (await begin(site));
  const errand = { site, settings, client: new EstClient(settings, site.signal), root: await site.folder.root(), now };
  await obtain(errand, pending, credentials);
}

type Errand = {
  readonly site: Site;
  readonly client: EstClient;
  readonly settings: Settings;
  readonly root: string;
  readonly now: () => Date;
};

/**
 * The key and the request are on disk before the server hears of them: whoever is killed between the answer and its
 * saving asks the same again and gets the same license. Another request for the same predecessor would be a fork.
 */
async function obtain(errand: Errand, pending: PendingRequest, credentials: Credentials): Promise<void> {
  const { site, client, settings, root, now } = errand;
  await checkPending(site, pending);
  const trust = trustOf(settings, root);
  try {
    const license = await client.request(pending.request, credentials, trust);
    const authorities = await client.caCertificates(trust);
    await accept(site, bundle(license, authorities, derOf(root)), pending, root, now());
  } catch (error) {
    if (isOfNoUse(error, credentials)) {
      await site.store.dropPending();
      await site.keys.forget(pending.key);
    }
    throw error;
  }
}

/** What the server says of a request that can never be granted, whatever becomes of the site. */
const AT_FAULT = /^(?:CSR|KEY|PROOF)_/;

/**
 * Whether the next try begins with a new key. After a renewal only where the refused request was at fault: the site may
 * be suspended now while an earlier answer to the request was lost, and another request, once the site goes on, would look
 * like a clone's. A first license has no predecessor that could be forked.
 */
function isOfNoUse(error: unknown, credentials: Credentials): boolean {
  if (!(error instanceof AgentError) || error.code !== 'REFUSED') return false;
  const isFirst = credentials !== 'in the request' && 'token' in credentials;
  return isFirst || AT_FAULT.test(error.serverCode ?? '');
}

/** Sent as it is, or not at all: a refusal of something damaged would end in another request, which is a fork. */
async function checkPending({ folder, keys }: Site, pending: PendingRequest): Promise<void> {
  const { publicKey } = await keys.open(pending.key);
  if (equalBytes(publicKeyIn(pending), publicKey)) return;
  const where = folder.file('pending');
  throw new AgentError('STATE_DAMAGED', `${where} holds a request for another key: put back what was there.`);
}

/** Takes a license into use, once it is proven to be the answer to the request. */
export async function accept(
  { store, keys }: Site,
  license: string,
  pending: PendingRequest,
  root: string,
  at: Date,
): Promise<void> {
  const { publicKey } = await keys.open(pending.key);
  await proveLicense(license, root, publicKey, at);
  const unused = await store.install({ key: pending.key, license });
  await store.dropPending();
  for (const key of unused) await keys.forget(key);
}

/** For the agent alone: a proxy may want a password. */
export function writeSettings({ folder }: Site, settings: Settings): Promise<void> {
  return writeDurably(folder.file('agent.json'), `${JSON.stringify(settings, null, 2)}\n`, 0o600);
}

/** RFC 7030 §4.1.1: the list is fetched from anybody, and believed only where the fingerprint matches. */
async function fetchRoot(client: EstClient, fingerprint: string): Promise<string> {
  const certificates = await client.caCertificates('nobody yet');
  const root = certificates.find((der) => sha256(der) === fingerprint);
  if (root !== undefined) return toPem([root]);
  const seen = certificates.map(sha256).join(', ') || 'none';
  throw new AgentError(
    'ROOT_MISMATCH',
    `The server does not show the root ${fingerprint} (it shows ${seen}): check the address and the kit; nothing was sent.`,
  );
}

const sha256 = (der: Bytes): string => createHash('sha256').update(der).digest('hex');

/** The license that lies there would be worth nothing under another, also while nothing else is had for it. */
async function checkSameRoot(folder: SiteFolder, root: string): Promise<void> {
  if (equalBytes(derOf(await folder.root()), derOf(root))) return;
  throw new AgentError('ALREADY_ENROLLED', 'This site trusts another root already; take another folder.');
}

export function derOf(pem: string): Bytes {
  const [block] = decodePem(pem, 'CERTIFICATE');
  if (block !== undefined) return block.bytes;
  throw new AgentError('STATE_DAMAGED', 'root.pem holds no certificate: enrol anew.');
}
