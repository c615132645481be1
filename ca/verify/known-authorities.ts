import { type Bytes, type Certificate, decodeCertificate, equalBytes } from '@licet/format';
import type { Ancestry } from './ancestry.ts';
import type { TrustAnchors } from './anchors.ts';
import { nameKey } from './names/directory.ts';
import type { KeyVerdict } from './path/context.ts';
import { isCa } from './path/profile.ts';
import { readOrUndefined } from './path/pool.ts';
import { RecentlyUsed } from './recently-used.ts';

/** A vendor has a handful of CAs; a server that checks the licenses of many enterprises meets more. About 3 KB each. */
const MOST_KNOWN = 256;

const MOST_CHAINS = 128;

type Known = { readonly certificate: Certificate; readonly verdicts: KeyVerdict[] };

/** The CA certificates of one bundle, ready to build paths from. */
export type Authorities = {
  /** By subject. */
  readonly certificates: ReadonlyMap<string, readonly Certificate[]>;
  readonly verdicts: ReadonlyMap<Certificate, KeyVerdict[]>;
  readonly unreadable: number;
  /** A license below them was met before. What is met once is not worth remembering more of. */
  met: boolean;
  /** What the search for a path came to, if it leaves no choice: see `ancestry.ts`. */
  ancestry: Ancestry | undefined;
};

/**
 * The CA certificates that were met below one set of anchors, decoded, with what their signatures came to. That a
 * signature verifies under a key is true for ever, so it is computed once; everything that depends on the time or on the
 * license is looked at anew each time.
 */
class KnownAuthorities {
  /** By a hash of the bytes; two with the same hash take turns. */
  private readonly known = new RecentlyUsed<number, Known>(MOST_KNOWN);
  /** By the list itself: `bundle.ts` hands in the same list for the same text. */
  private readonly ready = new RecentlyUsed<readonly Bytes[], Authorities>(MOST_CHAINS);

  read(others: readonly Bytes[]): Authorities {
    const before = this.ready.get(others);
    if (before !== undefined) return before;
    const certificates = new Map<string, Certificate[]>();
    const verdicts = new Map<Certificate, KeyVerdict[]>();
    let unreadable = 0;
    for (const der of others) {
      const one = this.readOne(der);
      if (one === undefined) {
        unreadable += 1;
        continue;
      }
      const key = nameKey(one.certificate.subject);
      const group = certificates.get(key) ?? [];
      if (!group.includes(one.certificate)) certificates.set(key, [...group, one.certificate]);
      verdicts.set(one.certificate, one.verdicts);
    }
    const authorities: Authorities = { certificates, verdicts, unreadable, met: false, ancestry: undefined };
    this.ready.set(others, authorities);
    return authorities;
  }

  private readOne(der: Bytes): Known | undefined {
    const key = hash(der);
    const before = this.known.get(key);
    if (before !== undefined && equalBytes(before.certificate.der, der)) return before;
    // A copy: what is kept for long must not depend on bytes that belong to the caller.
    const certificate = readOrUndefined(new Uint8Array(der), decodeCertificate);
    if (certificate === undefined) return undefined;
    const one: Known = { certificate, verdicts: [] };
    if (isCa(certificate)) this.known.set(key, one);
    return one;
  }
}

/** Not cryptographic: whoever makes two certificates collide wins a little of our time, and equality is checked. */
function hash(bytes: Bytes): number {
  let value = bytes.length;
  // The end of a certificate is its signature: 64 bytes of it tell any two apart.
  for (let i = Math.max(0, bytes.length - 64); i < bytes.length; i += 1) value = (Math.imul(value, 31) + bytes[i]!) | 0;
  return value;
}

const byAnchors = new WeakMap<TrustAnchors, KnownAuthorities>();

export function knownAuthorities(anchors: TrustAnchors): KnownAuthorities {
  let known = byAnchors.get(anchors);
  if (known === undefined) byAnchors.set(anchors, (known = new KnownAuthorities()));
  return known;
}
