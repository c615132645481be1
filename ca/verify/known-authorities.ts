import { type Bytes, type Certificate, decodeCertificate, equalBytes } from '@licet/format';
import type { TrustAnchors } from './anchors.ts';
import { nameKey } from './names/directory.ts';
import type { Context } from './path/context.ts';
import { isCa } from './path/profile.ts';
import { readOrUndefined } from './path/pool.ts';

/** A vendor has a handful of CAs; a server that checks the licenses of many enterprises meets more. About 3 KB each. */
const MOST_KNOWN = 256;

type Known = { readonly certificate: Certificate; readonly verdicts: SignatureVerdicts };
type SignatureVerdicts = NonNullable<ReturnType<Context['verdicts']['get']>>;

/**
 * The CA certificates that were met below one set of anchors, decoded, with what their signatures came to. That a
 * signature verifies under a key is true for ever, so it is computed once; everything that depends on the time, the path
 * or the claims is looked at anew each time.
 */
class KnownAuthorities {
  /** By a hash of the bytes; two with the same hash take turns. */
  private readonly known = new Map<number, Known>();

  /** The same context, with these certificates to build from. */
  provide(others: readonly Bytes[], context: Context): Context {
    const certificates = new Map<string, Certificate[]>();
    let unreadable = 0;
    for (const der of others) {
      context.budget.spendObject();
      const one = this.read(der);
      if (one === undefined) {
        unreadable += 1;
        continue;
      }
      const key = nameKey(one.certificate.subject);
      const group = certificates.get(key) ?? [];
      if (!group.includes(one.certificate)) certificates.set(key, [...group, one.certificate]);
      context.verdicts.set(one.certificate, one.verdicts);
    }
    const { pool } = context;
    return {
      ...context,
      pool: { ...pool, certificates, unreadable: { ...pool.unreadable, certificates: unreadable } },
    };
  }

  private read(der: Bytes): Known | undefined {
    const key = hash(der);
    const before = this.known.get(key);
    if (before !== undefined && equalBytes(before.certificate.der, der)) {
      // Moved to the end: a Map keeps the order of insertion, so the first is the one that was not used for longest.
      this.known.delete(key);
      this.known.set(key, before);
      return before;
    }
    // A copy: what is kept for long must not depend on bytes that belong to the caller.
    const certificate = readOrUndefined(der.slice(), decodeCertificate);
    if (certificate === undefined) return undefined;
    const one: Known = { certificate, verdicts: new Map() };
    if (!isCa(certificate)) return one;
    if (this.known.size >= MOST_KNOWN) this.known.delete(this.known.keys().next().value!);
    this.known.set(key, one);
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
