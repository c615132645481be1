import { createHash, createPublicKey } from 'node:crypto';
import { type Bytes, decodePem } from '@licet/format';
import { bundle, proveLicense, readLicense } from './chain.ts';
import { writeDurably } from './durable.ts';
import { AgentError } from './errors.ts';
import { type Credentials, EstClient, toPem } from './est-client.ts';
import type { Kit } from './kit.ts';
import type { Settings } from './settings.ts';
import type { PendingRequest, SiteFolder } from './site-folder.ts';
import { keyFromPem, keyToPem, makeKey, makeRequest, subjectFor } from './site-key.ts';

/** First license of a site. Can be repeated after any failure: the same request is made again. */
export async function enrol(folder: SiteFolder, kit: Kit, now: () => Date): Promise<void> {
  if ((await folder.current()) !== undefined) {
    throw new AgentError(
      'ALREADY_ENROLLED',
      `${folder.path} holds a license already: renew it, or take another folder.`,
    );
  }
  const client = new EstClient(kit.settings);
  const root = await fetchRoot(client, kit.rootFingerprint);
  await writeDurably(folder.file('root.pem'), root);
  await writeDurably(folder.file('agent.json'), `${JSON.stringify(kit.settings, null, 2)}\n`);
  await obtain({ folder, client, root, now, name: kit.name }, { token: kit.token });
}

/** A new license for the one that we have, with a new key. */
export async function renew(folder: SiteFolder, settings: Settings, now: () => Date): Promise<void> {
  const current = await folder.current();
  if (current === undefined)
    throw new AgentError('NOT_ENROLLED', `There is no license in ${folder.path}: enrol first.`);
  const identity = { key: current.key, certificates: current.license };
  await obtain({ folder, client: new EstClient(settings), root: await folder.root(), now }, { identity });
}

type Errand = {
  readonly folder: SiteFolder;
  readonly client: EstClient;
  readonly root: string;
  readonly now: () => Date;
  /** Of a site whose token leaves that open. */
  readonly name?: string | undefined;
};

/**
 * The key and the request are on disk before the server hears of them: whoever is killed between the answer and its
 * saving asks the same again and gets the same license. Another request for the same predecessor would be a fork.
 */
async function obtain({ folder, client, root, now, name }: Errand, credentials: Credentials): Promise<void> {
  const pending = (await folder.pending()) ?? (await begin(folder, name));
  try {
    const license = await client.request(pending.request, credentials, { root });
    const authorities = await client.caCertificates({ root });
    await accept(folder, bundle(license, authorities, derOf(root)), pending, root, now());
  } catch (error) {
    // A refusal is final for this request: the next try begins with a new key. Anything else asks the same again.
    if (error instanceof AgentError && error.code === 'REFUSED') await folder.dropPending();
    throw error;
  }
}

export async function accept(
  folder: SiteFolder,
  license: string,
  pending: PendingRequest,
  root: string,
  at: Date,
): Promise<void> {
  const publicKey = createPublicKey(keyFromPem(pending.key)).export({ type: 'spki', format: 'der' });
  await proveLicense(license, root, publicKey, at);
  await folder.install({ key: pending.key, license });
  await folder.dropPending();
}

export async function begin(folder: SiteFolder, name?: string): Promise<PendingRequest> {
  const current = await folder.current();
  const key = makeKey();
  const subject = current === undefined ? subjectFor(name) : readLicense(current.license).leaf.subject;
  const pending = { key: keyToPem(key), request: makeRequest(key, subject) };
  await folder.keepPending(pending);
  return pending;
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

function derOf(pem: string): Bytes {
  const [block] = decodePem(pem, 'CERTIFICATE');
  if (block !== undefined) return block.bytes;
  throw new AgentError('STATE_DAMAGED', 'root.pem holds no certificate: enrol anew.');
}
