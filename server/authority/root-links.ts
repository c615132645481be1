import { type Certificate, decodeCertificate, equalBytes, toHex } from '@licet/format';
import { verifyPathSync } from '@licet/verify';
import { issuerKeyOf, type Opened } from './directory.ts';
import { type Candidate, keyOf, refusal } from './import-checks.ts';
import type { Authority } from './ports/authorities.ts';

/**
 * The roots with the links that came along, each with the root whose key it is about. `known` finds those that no chain
 * of these candidates leads to any more. A link that has ended is left alone: who imports each day is not to be kept from it.
 */
export async function withLinks(
  roots: readonly Authority[],
  candidates: readonly Candidate[],
  known: (keyIdentifier: Uint8Array) => Promise<Opened | undefined>,
  now: Date,
): Promise<readonly Authority[]> {
  const rows = new Map(roots.map((root) => [toHex(root.keyIdentifier), root]));
  const find = async (keyIdentifier: Uint8Array) =>
    rows.get(toHex(keyIdentifier)) ?? (await known(keyIdentifier))?.authority;
  for (const { key, links } of candidates) {
    for (const link of links.filter(({ notAfter }) => notAfter > now)) {
      const root = await find(link.extensions.subjectKeyIdentifier!);
      const by = await find(issuerKeyOf(link));
      checkLink(link, { root, by, key: key.id, now });
      if (root !== undefined) rows.set(keyOf(link), withLink(root, link.der));
    }
  }
  return [...rows.values()];
}

function withLink(root: Authority, der: Uint8Array): Authority {
  const links = root.links ?? [];
  return links.some((one) => equalBytes(one, der)) ? root : { ...root, links: [...links, der] };
}

type Ends = {
  readonly root: Authority | undefined;
  /** An older root may be unknown to a server that began after it; verifiers ask for its signature anyway. */
  readonly by: Authority | undefined;
  readonly key: string;
  readonly now: Date;
};

function checkLink(link: Certificate, { root, by, key, now }: Ends): void {
  const refuse = (why: string) => refusal('CHAIN_INVALID', `A link of one root to another beside key ${key} ${why}.`);
  if (root === undefined) throw refuse('is about a root that is not known here');
  if (!equalBytes(decodeCertificate(root.certificate).publicKey.raw, link.publicKey.raw)) {
    throw refuse('has the name of a root and another key');
  }
  if (by === undefined) return;
  const { ok, findings } = verifyPathSync(link, { intermediates: [], anchors: [by.certificate], at: now });
  if (!ok) throw refuse(`does not verify: ${findings.map(({ code, detail }) => `${code} (${detail})`).join('; ')}`);
}
