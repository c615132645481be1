import { bundle, proveLicense, readLicense } from './chain.ts';
import { derOf } from './enrol.ts';
import { EstClient } from './est-client.ts';
import { trustOf } from './http.ts';
import type { Settings } from './settings.ts';
import type { Site } from './site.ts';

/**
 * Puts the CA certificates of today above the license that we have. When a contract is lowered, or a CA is followed by
 * another, the CA above a license is certified anew under the same key and its older certificate revoked: the license is
 * good, and only its chain is not. True: there was another chain, and it is in use.
 */
export async function renewChain(
  { folder, store, keys, signal }: Site,
  settings: Settings,
  at: Date,
): Promise<boolean> {
  const current = await store.current();
  if (current === undefined) return false;
  const root = await folder.root();
  const { leaf } = readLicense(current.license);
  const authorities = await new EstClient(settings, signal).caCertificates(trustOf(settings, root));
  const license = bundle(leaf.der, authorities, derOf(root));
  if (license === current.license) return false;
  await proveLicense(license, root, leaf.publicKey.raw, at);
  for (const key of await store.install({ key: current.key, license })) await keys.forget(key);
  return true;
}
