import { type Certificate, OID } from '@licet/format';
import type { Anchor, TrustAnchors } from './anchors.ts';
import { BudgetExceeded } from './budget.ts';
import { ancestryOf, standsBelow } from './ancestry.ts';
import type { Bundle } from './bundle.ts';
import { type ClaimsAbove, claimsAbove } from './chain-claims.ts';
import type { Code } from './codes.ts';
import { type Authorities, knownAuthorities } from './known-authorities.ts';
import { type Context, createContext } from './path/context.ts';
import type { PathResult } from './path/options.ts';
import { findPath } from './path/verify-path.ts';
import type { Task } from './signatures/check.ts';
import type { Findings } from './verdict.ts';

export type LicensePath = {
  /** The license first, the anchor last. */
  readonly certificates: readonly Certificate[];
  readonly anchor: Anchor;
  /** What the CAs grant together. */
  readonly above: ClaimsAbove;
};

export type LicenseContext = Context & { readonly authorities: Authorities };

/** A contract says what happens after expiry (`grace`), so a path is also looked for at the last times it may have held. */
const EXPIRY: ReadonlySet<Code> = new Set(['EXPIRED', 'ISSUER_EXPIRED']);
const MOST_EARLIER = 4;

/** The verification that a license needs: its purpose, its policy, which every CA below the anchor must have as well. */
export function licenseContext(
  { others, crls }: Bundle,
  anchors: TrustAnchors,
  more: { readonly crls: readonly Uint8Array[]; readonly at: Date },
): LicenseContext {
  const authorities = knownAuthorities(anchors).read(others);
  const context = createContext({
    intermediates: [],
    anchors,
    at: more.at,
    crls: [...crls, ...more.crls],
    requireRevocation: false,
    purpose: 'license',
    policies: { initial: [OID.licensePolicy], requireExplicit: true },
  });
  const { certificates, verdicts, unreadable } = authorities;
  const pool = { ...context.pool, certificates, unreadable: { ...context.pool.unreadable, certificates: unreadable } };
  return { ...context, pool, verdicts: new Map(verdicts), authorities };
}

/**
 * The path of a license to an anchor, leaving revocation and the rest of the claims to others. A path that has only
 * expired is a path: what that means for the license is said by its claims.
 */
export function* findLicensePath(
  leaf: Certificate,
  anchors: TrustAnchors,
  context: LicenseContext,
  findings: Findings,
): Task<LicensePath | undefined> {
  const { authorities } = context;
  const known = authorities.ancestry;
  if (known !== undefined && (yield* standsBelow(leaf, known, context))) {
    const above = known.claims ? { claims: known.claims, complete: true } : claimsAbove(known.certificates, findings);
    return { certificates: [leaf, ...known.certificates], anchor: known.anchor, above };
  }
  const now = yield* attempt(leaf, context, context.at);
  let result = now;
  if (onlyExpired(now)) {
    for (const earlier of lastTimes(leaf, now, context)) {
      result = yield* attempt(leaf, context, earlier);
      if (result.ok) break;
    }
  }
  const anchor = anchors.list.find(({ certificate }) => certificate === result.path.at(-1));
  if (result.ok && anchor !== undefined) {
    if (authorities.met && result === now) authorities.ancestry = ancestryOf(result.path, anchor, context);
    authorities.met = true;
    return { certificates: result.path, anchor, above: claimsAbove(result.path.slice(1), findings) };
  }
  for (const { code, at, detail } of now.findings) {
    findings.refuse('invalid', code, `${at === 0 ? 'The license' : `The certificate ${at} above it`}: ${detail}.`);
  }
  return undefined;
}

function* attempt(leaf: Certificate, context: Context, at: number): Task<PathResult> {
  try {
    return yield* findPath(leaf, { ...context, at, revocation: 'no' });
  } catch (error) {
    if (!(error instanceof BudgetExceeded)) throw error;
    const finding = { code: 'BUDGET_EXCEEDED', at: 0, detail: error.message } as const;
    return { ok: false, codes: [finding.code], path: [], policies: [], findings: [finding] };
  }
}

function onlyExpired({ ok, codes }: PathResult): boolean {
  return !ok && codes.every((code) => EXPIRY.has(code));
}

/** The moments in the past at which something of the path expired, the latest first. */
function lastTimes(leaf: Certificate, { path }: PathResult, { at }: Context): number[] {
  const ends = [leaf, ...path].map(({ notAfter }) => notAfter.getTime()).filter((end) => end < at);
  return [...new Set(ends)].sort((a, b) => b - a).slice(0, MOST_EARLIER);
}
