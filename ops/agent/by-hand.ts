import { hash } from 'node:crypto';
import { decodePem, encodePem, FormatError, toHex } from '@licet/format';
import { readLicense } from './chain.ts';
import { writeDurably } from './durable.ts';
import { accept, writeSettings } from './enrol.ts';
import { AgentError } from './errors.ts';
import { fingerprintsHere } from './look.ts';
import { begin, openRequest, publicKeyIn } from './request.ts';
import { loadSettings, type Settings } from './settings.ts';
import type { PendingRequest } from './site-folder.ts';
import type { Site } from './site.ts';

/** Of a site that has never heard of a server. */
const WITHOUT_NETWORK: Settings = { servers: [] };

/** The settings of the folder, or those of a site that begins without a network. */
export async function settingsByHand(path: string): Promise<Settings> {
  try {
    return await loadSettings(path);
  } catch (error) {
    if (error instanceof AgentError && error.code === 'NOT_ENROLLED') return WITHOUT_NETWORK;
    throw error;
  }
}

type NamedText = { readonly file: string; readonly text: string };
/** `root`: whom the site is to trust, PEM. */
export type FirstRequest = { readonly root: NamedText | undefined; readonly name: string | undefined };

/** The request that is open, or a new one, as PEM: for the first license, or for a renewal. */
export async function requestByHand(site: Site, settings: Settings, first: FirstRequest): Promise<string> {
  const { root, name } = first;
  if (root !== undefined) await keepRoot(site, root);
  const isFirst = (await site.store.current()) === undefined;
  if (isFirst) {
    await site.folder.root().catch((cause: unknown) => {
      throw new AgentError(
        'USAGE',
        'Say whom this site trusts: --root FILE, with the root certificate of the vendor (PEM).',
        { cause },
      );
    });
    await writeSettings(site, settings);
  }
  const fingerprints = isFirst ? await fingerprintsHere(settings) : [];
  const pending = (await openRequest(site)) ?? (await begin(site, name, fingerprints));
  return encodePem('CERTIFICATE REQUEST', pending.request);
}

/** A root is believed because of the way it came; here it is only seen to that it is one certificate. */
async function keepRoot(site: Site, { file, text }: NamedText): Promise<void> {
  const [root, more] = blocksOf(text, file);
  if (root === undefined || more !== undefined) {
    throw new AgentError('USAGE', `${file} must hold one certificate, the root of the vendor, as PEM.`);
  }
  if ((await site.store.current()) !== undefined && encodePem('CERTIFICATE', root) !== (await site.folder.root())) {
    throw new AgentError('ALREADY_ENROLLED', 'This site trusts another root already; take another folder.');
  }
  await writeDurably(site.folder.file('root.pem'), encodePem('CERTIFICATE', root));
}

function blocksOf(text: string, file: string) {
  try {
    return decodePem(text, 'CERTIFICATE').map(({ bytes }) => bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new AgentError('USAGE', `${file} holds no certificates as PEM: ${error.message}.`, { cause: error });
  }
}

/** What came back. A license that is in use already is no mistake: somebody carried it twice. */
export async function acceptByHand(site: Site, text: string, at: Date): Promise<'accepted' | 'in use already'> {
  const { leaf } = readLicense(text);
  const pending = await openRequest(site);
  const current = await site.store.current();
  if (current !== undefined && toHex(readLicense(current.license).leaf.serial) === toHex(leaf.serial)) {
    return 'in use already';
  }
  if (pending === undefined) {
    throw new AgentError('USAGE', 'No request is open here: begin with licet-agent request --out FILE.');
  }
  await accept(site, text, pending, await site.folder.root(), at);
  return 'accepted';
}

/** What the people at both ends of a telephone can compare: SHA-256 of the public key in the request. */
export function keyFingerprint(pending: PendingRequest): string {
  return hash('sha256', publicKeyIn(pending), 'hex');
}
