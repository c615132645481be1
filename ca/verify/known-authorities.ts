import { type Bytes, type Certificate, decodeCertificate } from '@licet/format';
import type { TrustAnchors } from './anchors.ts';
import { bytesKey } from './bytes.ts';
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
  private readonly known = new Map<string, Known>();

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
    const key = bytesKey(der);
    const before = this.known.get(key);
    if (before !== undefined) {
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

const byAnchors = new WeakMap<TrustAnchors, KnownAuthorities>();

export function knownAuthorities(anchors: TrustAnchors): KnownAuthorities {
  let known = byAnchors.get(anchors);
  if (known === undefined) byAnchors.set(anchors, (known = new KnownAuthorities()));
  return known;
}
