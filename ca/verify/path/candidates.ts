import type { Certificate } from '@licet/format';
import { equalBytes } from '@licet/format';
import type { Anchor } from '../anchors.ts';
import { nameKey } from '../names/directory.ts';
import type { Context } from './context.ts';

/** Who may have issued this certificate, the likeliest first: anchors, then by key identifier, then by validity. */
export function issuersOf(child: Certificate, { pool, at, budget }: Context): (Anchor | Certificate)[] {
  const name = nameKey(child.issuer);
  const anchors = pool.anchors.get(name) ?? [];
  const certificates = pool.certificates.get(name) ?? [];
  budget.spendComparisons(anchors.length + certificates.length);
  return [
    ...sorted(anchors, ({ certificate }) => promise(child, certificate, at)),
    ...sorted(certificates, (certificate) => promise(child, certificate, at)),
  ];
}

function sorted<T>(items: readonly T[], rank: (item: T) => number): readonly T[] {
  if (items.length < 2) return items;
  return items
    .map((item) => ({ item, rank: rank(item) }))
    .sort((a, b) => a.rank - b.rank)
    .map(({ item }) => item);
}

/** RFC 4158 §3.5.12, §3.5.5: lower is better. Of equals the one that is valid longest, which is the newest. */
function promise(child: Certificate, issuer: Certificate, at: number): number {
  const wanted = child.extensions.authorityKeyIdentifier?.keyIdentifier;
  const has = issuer.extensions.subjectKeyIdentifier;
  const key = wanted === undefined || has === undefined ? 1 : equalBytes(wanted, has) ? 0 : 2;
  const valid = at >= issuer.notBefore.getTime() && at <= issuer.notAfter.getTime() ? 0 : 1;
  // Two bits above any date: milliseconds since 1970 stay below 2^48.
  return (key * 2 + valid) * 2 ** 48 - issuer.notAfter.getTime();
}
