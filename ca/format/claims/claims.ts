/**
 * The rights inside a certificate. What each claim means is written here; how it looks in bytes in `asn1.ts`; how the
 * claims of a chain combine in `meet.ts`.
 *
 * Values are plain data (strings, numbers, dates), so that claims can be shown, stored and compared as they are.
 * Lists are in canonical order, the one the codec demands: `MODES` for modes, UTF-8 byte order for all others.
 */

export const MODES = ['production', 'development', 'recovery'] as const;
export type Mode = (typeof MODES)[number];

/** From lenient to strict: what happens when the right to run has lapsed. */
export const DEGRADES = ['warn', 'readOnly', 'stop'] as const;
export type Degrade = (typeof DEGRADES)[number];

/** `each`: every site may have that much. `pool`: all live sites of the contract share it. */
export const SCOPES = ['each', 'pool'] as const;
export type Scope = (typeof SCOPES)[number];

/** From lenient to strict: what a product does about use above a limit. */
export const ENFORCES = ['report', 'soft', 'hard'] as const;
export type Enforce = (typeof ENFORCES)[number];

/** Tiers are ordered by rank; the code is the name that people use for it. */
export type Tier = { readonly rank: number; readonly code: string };

/** A quantity that is licensed. A code without a limit is not licensed at all. */
export type Limit = {
  readonly code: string;
  readonly max: number | 'unlimited';
  readonly scope: Scope;
  readonly enforce: Enforce;
};

/** The commercial term, half open: `from` belongs to it, `to` does not. */
export type Term = { readonly from: Date; readonly to: Date };

/**
 * The machine a license is bound to: at least `need` of the digests must be found there. A CA names no digests
 * (`'any'`): it says how many fingerprints the sites below must be bound to at the least.
 */
export type Binding = { readonly need: number; readonly digests: readonly string[] | 'any' };

/** A usage report at least every so many seconds; `required`: a license without reports is overdue. */
export type Reporting = { readonly every: number; readonly required: boolean };

export type Claims = {
  /** The grant that the certificate speaks for (a contract, or the lineage of a site), as a lower-case UUID. */
  readonly id: string;
  /** The issue number within `id`: the newest wins, so that renewal revokes nothing. */
  readonly sequence: number;
  /** A site has exactly one. */
  readonly modes: readonly Mode[];
  readonly tier: Tier;
  /** `product` or `product/feature`. A name is granted when it stands here itself: nothing follows from another. */
  readonly features: readonly string[];
  readonly limits: readonly Limit[];
  readonly term: Term;
  /** Seconds that a license keeps working after it has expired. */
  readonly grace: number;
  /** Seconds without fresh evidence before the verdict degrades. */
  readonly contact: number;
  readonly degrade: Degrade;
  readonly binding?: Binding;
  readonly reporting?: Reporting;
};

export type ClaimName = keyof Claims;

/** What a certificate with more is refused for, at both ends. The numbers keep the extension within 4 KiB or near it. */
export const CLAIMS_LIMITS = {
  /** Of the whole extension, in bytes: beyond, TLS stacks begin to refuse the certificate. */
  bytes: 4096,
  features: 256,
  limits: 64,
  /** Of one string, in UTF-8 bytes. */
  string: 64,
  rank: 65_535,
  /** Fingerprints of one machine. */
  digests: 16,
  /** Bytes of one digest: SHA-256. */
  digest: 32,
  /** The largest integer that every language reads without loss. */
  integer: Number.MAX_SAFE_INTEGER,
} as const;

/** The order of codes and features: that of their UTF-8 bytes, which is the order of their code points. */
export function compareCodes(a: string, b: string): number {
  const length = Math.min(a.length, b.length);
  for (let i = 0; i < length; i++) {
    const x = a.charCodeAt(i);
    const y = b.charCodeAt(i);
    if (x !== y) return rotateSurrogates(x) - rotateSurrogates(y);
  }
  return a.length - b.length;
}

// UTF-16 puts the surrogates (that is, all code points from U+10000) before U+E000..U+FFFF; UTF-8 puts them behind.
function rotateSurrogates(unit: number): number {
  if (unit < 0xd800) return unit;
  return unit < 0xe000 ? unit + 0x2000 : unit - 0x800;
}
