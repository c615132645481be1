import { type Certificate, type Claims, equalBytes } from '@licet/format';
import type { Anchor } from './anchors.ts';
import { Budget, BudgetExceeded } from './budget.ts';
import { claimsAbove } from './chain-claims.ts';
import { nameKey, sameName } from './names/directory.ts';
import { type Context, checkSignedBy } from './path/context.ts';
import { linkDefects, localDefects } from './path/local.ts';
import { type State, validateAuthorities, validateLeaf } from './path/validate.ts';
import type { Task } from './signatures/check.ts';
import { Findings } from './verdict.ts';

/**
 * What a search for a path has shown about the CAs of a bundle, for the next license below the same CAs. It only ever
 * says yes: a license that is in any way not as it should be goes through the whole search, which then says why.
 */
export type Ancestry = {
  /** The issuer of the license first, the anchor last. */
  readonly certificates: readonly Certificate[];
  readonly anchor: Anchor;
  /** When all of them are valid, both ends included. */
  readonly from: number;
  readonly to: number;
  /** RFC 5280 §6.1 down to the issuer of the license. */
  readonly state: State;
  /** What they grant together; undefined when there is something to say about their claims. */
  readonly claims: Claims | undefined;
};

/**
 * What a path that holds says of its CAs. Undefined when another license, or another time, might lead the search to
 * another path: wherever two candidates stand side by side.
 */
export function ancestryOf(path: readonly Certificate[], anchor: Anchor, context: Context): Ancestry | undefined {
  const certificates = path.slice(1);
  const { pool } = context;
  for (const certificate of certificates) {
    const name = nameKey(certificate.subject);
    const anchors = pool.anchors.get(name) ?? [];
    const others = pool.certificates.get(name) ?? [];
    // An anchor is tried before any other certificate of its name.
    const alone = certificate === anchor.certificate ? anchors.length === 1 : anchors.length + others.length === 1;
    if (!alone) return undefined;
  }
  // A budget of its own: the path has held, and must not fail for being remembered.
  const own = { ...context, budget: new Budget() };
  const { state, findings } = validateAuthorities(certificates.slice(0, -1), anchor, own);
  if (findings.length > 0) return undefined;
  const { from, to } = anchor.validity ?? { from: anchor.certificate.notBefore, to: anchor.certificate.notAfter };
  const below = certificates.slice(0, -1);
  const said = new Findings();
  const { claims, complete } = claimsAbove(certificates, said);
  return {
    certificates,
    anchor,
    from: Math.max(from.getTime(), ...below.map(({ notBefore }) => notBefore.getTime())),
    to: Math.min(to.getTime(), ...below.map(({ notAfter }) => notAfter.getTime())),
    state,
    claims: complete && said.isEmpty ? claims : undefined,
  };
}

/** Whether the search would find these CAs above this license, with nothing to say about it. */
export function* standsBelow(leaf: Certificate, ancestry: Ancestry, context: Context): Task<boolean> {
  const { certificates, from, to, state } = ancestry;
  const issuer = certificates[0]!;
  if (!(context.at >= from && context.at <= to) || !sameName(leaf.issuer, issuer.subject)) return false;
  // The search takes a CA with the key of the license for a loop.
  if (certificates.some(({ publicKey }) => equalBytes(publicKey.raw, leaf.publicKey.raw))) return false;
  // A budget of its own: what is spent here must not be missing when the search has to explain.
  const own = { ...context, budget: new Budget() };
  try {
    if (linkDefects(leaf, issuer).length > 0 || localDefects(leaf, 'leaf', own).length > 0) return false;
    const policies = state.policies.fork(own.budget);
    if (validateLeaf({ ...state, policies }, leaf, own).findings.length > 0) return false;
    return (yield* checkSignedBy(leaf, issuer, own)) === 'valid';
  } catch (error) {
    if (error instanceof BudgetExceeded) return false;
    throw error;
  }
}
