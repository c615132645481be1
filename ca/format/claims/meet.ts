import { compareCodes, DEGRADES, ENFORCES, MODES } from './claims.ts';
import type { Binding, Claims, ClaimName, Limit, Reporting, Term, Tier } from './claims.ts';

/**
 * What a license is worth: the rights that both grant. Rights form a lattice and this is its meet: commutative,
 * associative, idempotent, never above either side. Claims that bring duties (binding, reporting, degrade) count the
 * other way round: the meet has the duties of both. `id` and `sequence` are no rights: they say whose claims these are
 * and are always the child's own.
 *
 * The meet of claims that have nothing in common is empty in modes, features or term: see `emptyRights`.
 */
export function meet(parent: Claims, child: Claims): Claims {
  const binding = meetOptional(parent.binding, child.binding, meetBinding);
  const reporting = meetOptional(parent.reporting, child.reporting, meetReporting);
  return {
    id: child.id,
    sequence: child.sequence,
    modes: MODES.filter((mode) => parent.modes.includes(mode) && child.modes.includes(mode)),
    tier: meetTier(parent.tier, child.tier),
    features: intersection(parent.features, child.features),
    limits: meetLimits(parent.limits, child.limits),
    term: meetTerm(parent.term, child.term),
    grace: Math.min(parent.grace, child.grace),
    contact: Math.min(parent.contact, child.contact),
    degrade: stricter(DEGRADES, parent.degrade, child.degrade),
    ...(binding && { binding }),
    ...(reporting && { reporting }),
  };
}

/** The claims without which there is no license; any of them that is empty after the meet. */
export function emptyRights(claims: Claims): ('modes' | 'features' | 'term')[] {
  const empty: ('modes' | 'features' | 'term')[] = [];
  if (claims.modes.length === 0) empty.push('modes');
  if (claims.features.length === 0) empty.push('features');
  if (claims.term.from.getTime() >= claims.term.to.getTime()) empty.push('term');
  return empty;
}

/** A claim in which a child says more than its parent may give, in words. */
export type Excess = { readonly claim: ClaimName; readonly detail: string };

/** Each claim that the meet would change: why an authority refuses to sign, and what a verifier trims. */
export function excess(parent: Claims, child: Claims, both: Claims = meet(parent, child)): Excess[] {
  const found: Excess[] = [];
  const add = (claim: ClaimName, detail: string) => found.push({ claim, detail });

  for (const mode of missing(child.modes, both.modes)) add('modes', `mode ${mode} is not granted above`);
  if (!sameTier(both.tier, child.tier)) {
    add('tier', `tier ${tierText(child.tier)} is above ${tierText(parent.tier)}`);
  }
  for (const feature of missing(child.features, both.features)) add('features', `"${feature}" is not granted above`);
  for (const limit of child.limits) {
    const allowed = both.limits.find(({ code }) => code === limit.code);
    if (!allowed || !sameLimit(allowed, limit)) add('limits', limitExcess(limit, allowed));
  }
  if (both.term.from.getTime() !== child.term.from.getTime()) add('term', 'begins before the term above');
  if (both.term.to.getTime() !== child.term.to.getTime()) add('term', 'ends after the term above');
  if (both.grace !== child.grace) add('grace', `${child.grace} s is longer than ${parent.grace} s`);
  if (both.contact !== child.contact) add('contact', `${child.contact} s is longer than ${parent.contact} s`);
  if (both.degrade !== child.degrade) add('degrade', `${child.degrade} is milder than ${parent.degrade}`);
  if (both.binding && !sameBinding(both.binding, child.binding)) add('binding', bindingExcess(both.binding, child));
  if (both.reporting && !sameReporting(both.reporting, child.reporting)) {
    add('reporting', 'reports less than is demanded above');
  }
  return found;
}

/** `later` is the stricter: the lists of `claims.ts` go from lenient to strict. */
function stricter<T>(order: readonly T[], a: T, b: T): T {
  return order.indexOf(a) > order.indexOf(b) ? a : b;
}

function meetTier(a: Tier, b: Tier): Tier {
  if (a.rank !== b.rank) return a.rank < b.rank ? a : b;
  // Two names for one rank: any fixed choice will do, as long as it does not depend on who is asked first.
  return compareCodes(a.code, b.code) <= 0 ? a : b;
}

function intersection(a: readonly string[], b: readonly string[]): string[] {
  const other = a.length > FEW ? new Set(a) : undefined;
  const both = b.filter((value) => other?.has(value) ?? a.includes(value));
  return inOrder(both, compareCodes) ? both : both.sort(compareCodes);
}

// Up to here a search is faster than the building of an index.
const FEW = 16;

function inOrder<T>(values: readonly T[], compare: (a: T, b: T) => number): boolean {
  for (let i = 1; i < values.length; i += 1) if (compare(values[i - 1]!, values[i]!) > 0) return false;
  return true;
}

function meetLimits(a: readonly Limit[], b: readonly Limit[]): Limit[] {
  const both: Limit[] = [];
  for (const limit of b) {
    const other = a.find(({ code }) => code === limit.code);
    if (!other) continue;
    both.push({
      code: limit.code,
      max: lower(other.max, limit.max),
      scope: other.scope === 'pool' ? 'pool' : limit.scope,
      enforce: stricter(ENFORCES, other.enforce, limit.enforce),
    });
  }
  const byCode = (x: Limit, y: Limit) => compareCodes(x.code, y.code);
  return inOrder(both, byCode) ? both : both.sort(byCode);
}

function lower(a: Limit['max'], b: Limit['max']): Limit['max'] {
  if (a === 'unlimited') return b;
  return b === 'unlimited' ? a : Math.min(a, b);
}

// The ends of disjoint terms cross over; they are kept as they are, so that the meet stays associative.
function meetTerm(a: Term, b: Term): Term {
  return {
    from: a.from.getTime() > b.from.getTime() ? a.from : b.from,
    to: a.to.getTime() < b.to.getTime() ? a.to : b.to,
  };
}

function meetOptional<T>(a: T | undefined, b: T | undefined, both: (a: T, b: T) => T): T | undefined {
  if (a === undefined || b === undefined) return a ?? b;
  return both(a, b);
}

// Only digests that both name may count: a machine that satisfies the result satisfies both sides. Without a common
// digest the result is the empty list, which no machine satisfies; `'any'` would have dropped the binding.
function meetBinding(a: Binding, b: Binding): Binding {
  const need = Math.max(a.need, b.need);
  if (a.digests === 'any') return { need, digests: b.digests };
  if (b.digests === 'any') return { need, digests: a.digests };
  return { need, digests: intersection(a.digests, b.digests) };
}

function meetReporting(a: Reporting, b: Reporting): Reporting {
  return { every: Math.min(a.every, b.every), required: a.required || b.required };
}

function missing<T>(wanted: readonly T[], granted: readonly T[]): T[] {
  return wanted.filter((value) => !granted.includes(value));
}

const sameTier = (a: Tier, b: Tier) => a.rank === b.rank && a.code === b.code;

const sameLimit = (a: Limit, b: Limit) => a.max === b.max && a.scope === b.scope && a.enforce === b.enforce;

const sameReporting = (a: Reporting, b: Reporting | undefined) => a.every === b?.every && a.required === b.required;

function sameBinding(a: Binding, b: Binding | undefined): boolean {
  if (!b || a.need !== b.need) return false;
  if (a.digests === 'any' || b.digests === 'any') return a.digests === b.digests;
  return a.digests.length === b.digests.length && a.digests.every((digest) => b.digests.includes(digest));
}

const tierText = (tier: Tier) => `${tier.code} (rank ${tier.rank})`;

function limitExcess(limit: Limit, allowed: Limit | undefined): string {
  if (!allowed) return `limit "${limit.code}" is not granted above`;
  const terms = ({ max, scope, enforce }: Limit) => `${max} (${scope}, ${enforce})`;
  return `limit "${limit.code}" says ${terms(limit)} and may say ${terms(allowed)}`;
}

function bindingExcess(needed: Binding, child: Claims): string {
  if (!child.binding) return `no binding, and ${needed.need} fingerprints are demanded above`;
  if (child.binding.need < needed.need) return `needs ${child.binding.need} fingerprints instead of ${needed.need}`;
  return 'names other fingerprints than those above';
}
