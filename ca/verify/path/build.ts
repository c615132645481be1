import type { Certificate } from '@licet/format';
import { equalBytes } from '@licet/format';
import type { Anchor } from '../anchors.ts';
import { sameName } from '../names/directory.ts';
import type { Task } from '../signatures/check.ts';
import { issuersOf } from './candidates.ts';
import { type Context, checkSignedBy } from './context.ts';
import type { Defect } from './findings.ts';
import { linkDefects, localDefects } from './local.ts';
import { isCa } from './profile.ts';
import type { Candidate } from './validate.ts';

/** A chain that leads to no anchor, as far as it came. */
export type DeadEnd = { readonly chain: readonly Certificate[]; readonly reason: 'no-issuer' | 'too-deep' };

/** What one who visits paths wants next. */
export type Visit = 'go-on' | 'stop';

export type Visitor = {
  /** Whether candidates with defects are visited too: to explain a failure, never to succeed. */
  readonly explaining: boolean;
  complete(candidate: Candidate): Task<Visit>;
  deadEnd(end: DeadEnd): void;
};

/**
 * Visits the paths from a certificate to the anchors, depth first and the most promising issuer first (RFC 4158 §3.5).
 * An issuer whose signature does not verify, or that has a defect in any path, is left out at once, so the search does
 * not go on below it.
 */
export function* visitPaths(leaf: Certificate, visitor: Visitor, context: Context): Task<void> {
  yield* extend([leaf], visitor, context);
}

function* extend(chain: readonly Certificate[], visitor: Visitor, context: Context): Task<Visit> {
  const child = chain.at(-1)!;
  let extended = false;
  let tooDeep = false;
  for (const issuer of issuersOf(child, context)) {
    const anchor = 'certificate' in issuer;
    const certificate = anchor ? issuer.certificate : issuer;
    if (!anchor && chain.length > context.maxDepth) {
      tooDeep = true;
      continue;
    }
    if (!anchor && chain.some((other) => isSameEntity(other, certificate))) continue;
    context.budget.spendCandidate();
    if (!visitor.explaining && !(yield* isSound(chain, issuer, context))) continue;
    extended = true;
    const visit = anchor
      ? yield* visitor.complete({ chain, anchor: issuer })
      : yield* extend([...chain, certificate], visitor, context);
    if (visit === 'stop') return 'stop';
  }
  if (!extended) visitor.deadEnd({ chain, reason: tooDeep ? 'too-deep' : 'no-issuer' });
  return 'go-on';
}

/** RFC 4158 §2.4.2: the same name with the same key twice is a loop, whatever else the certificates say. */
function isSameEntity(a: Certificate, b: Certificate): boolean {
  return equalBytes(a.publicKey.raw, b.publicKey.raw) && sameName(a.subject, b.subject);
}

function* isSound(chain: readonly Certificate[], issuer: Certificate | Anchor, context: Context): Task<boolean> {
  const child = chain.at(-1)!;
  const anchor = 'certificate' in issuer;
  const certificate = anchor ? issuer.certificate : issuer;
  if (localDefects(certificate, anchor ? 'anchor' : 'issuer', context).length > 0) return false;
  if (linkDefects(child, certificate).length > 0 || !leavesRoom(certificate, chain)) return false;
  return (yield* checkSignedBy(child, certificate, context)) === 'valid';
}

/** §6.1.4 (l): issuers below, but for the self-issued ones, count against the path length. */
function leavesRoom({ extensions }: Certificate, chain: readonly Certificate[]): boolean {
  const below = chain.slice(1).filter(({ issuer, subject }) => !sameName(issuer, subject)).length;
  return below <= (extensions.basicConstraints?.pathLength ?? Infinity);
}

/** What is wrong with the certificates of a path and the links between them. */
export function* pathDefects({ chain, anchor }: Candidate, context: Context): Task<(Defect & { at: number })[]> {
  const defects: (Defect & { at: number })[] = [];
  const issuers = [...chain.slice(1), anchor.certificate];
  for (const [at, child] of chain.entries()) {
    const issuer = issuers[at]!;
    const verdict = yield* checkSignedBy(child, issuer, context);
    if (verdict !== 'valid') defects.push({ code: verdict, at, detail: 'the signature does not verify' });
    for (const defect of linkDefects(child, issuer)) defects.push({ ...defect, at });
  }
  for (const [at, certificate] of [...chain, anchor.certificate].entries()) {
    const role = at === 0 ? 'leaf' : at === chain.length ? 'anchor' : 'issuer';
    for (const defect of localDefects(certificate, role, context)) defects.push({ ...defect, at });
  }
  return defects;
}

/** Whether a chain that found no issuer ends in what looks like a root that nobody trusts. */
export function endsInRoot(chain: readonly Certificate[]): boolean {
  const last = chain.at(-1)!;
  return sameName(last.issuer, last.subject) && (chain.length > 1 || isCa(last));
}
