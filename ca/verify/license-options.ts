import { TrustAnchors } from './anchors.ts';
import type { HighWater } from './high-water.ts';
import type { Possession } from './possession.ts';
import type { Requirements } from './requirements.ts';

export type LicenseOptions = {
  /** Whom the product trusts: the root of its vendor. */
  readonly anchors: TrustAnchors;
  /** The time by the clock of the machine. */
  readonly at: Date;
  /** What tells about revocation, as DER; CRLs and OCSP responses inside the bundle count as well. */
  readonly evidence?: { readonly crls?: readonly Uint8Array[]; readonly ocsp?: readonly Uint8Array[] };
  readonly require?: Requirements;
  /** The code of the product that asks: it must be licensed, itself or by any of its features. */
  readonly product?: string;
  /** When this release was built: the term must reach that day, and no clock can stand before it. */
  readonly release?: Date;
  readonly possession?: Possession;
  /** Of this machine, as texts; needed when the license is bound. */
  readonly fingerprints?: readonly string[];
  /** From the verdict before. */
  readonly highWater?: HighWater;
  /** When the last usage report was accepted. */
  readonly reportedAt?: Date;
  /** What the caller heard from the authority: that the license is cloned, or why it heard nothing. */
  readonly notices?: readonly Notice[];
};

export type Notice = 'CLONED' | 'RATE_LIMITED' | 'AUTHORITY_UNAVAILABLE';

const OPTIONS: Names<LicenseOptions> = {
  anchors: true,
  at: true,
  evidence: true,
  require: true,
  product: true,
  release: true,
  possession: true,
  fingerprints: true,
  highWater: true,
  reportedAt: true,
  notices: true,
};
const EVIDENCE: Names<NonNullable<LicenseOptions['evidence']>> = { crls: true, ocsp: true };
const REQUIRE: Names<Requirements> = { features: true, tier: true, mode: true, limits: true };

type Names<T> = Readonly<Record<keyof T, true>>;

/**
 * Refuses options that are none. What is misspelt would not be asked for, and the license would pass: in JavaScript nobody
 * tells, nor does TypeScript where the options are put together before.
 */
export function checkOptions(options: LicenseOptions): void {
  const { anchors, at, release = at, reportedAt = at, highWater, evidence = {}, require = {}, notices = [] } = options;
  if (!(anchors instanceof TrustAnchors)) throw new TypeError('anchors: use TrustAnchors.fromPem()');
  for (const [name, date] of Object.entries({ at, release, reportedAt })) {
    if (!isDate(date)) throw new TypeError(`${name}: this is no date`);
  }
  if (highWater !== undefined && !isDate(highWater.time)) {
    throw new TypeError('highWater: as text it is kept by formatHighWater() and read by parseHighWater()');
  }
  checkNames(options, OPTIONS, '');
  checkNames(evidence, EVIDENCE, 'evidence.');
  checkNames(require, REQUIRE, 'require.');
  const { crls = [], ocsp = [] } = evidence;
  for (const [name, list] of Object.entries({ 'evidence.crls': crls, 'evidence.ocsp': ocsp, notices })) {
    if (!Array.isArray(list)) throw new TypeError(`${name}: this is no list`);
  }
}

const isDate = (value: unknown): boolean => value instanceof Date && !Number.isNaN(value.getTime());

function checkNames(given: object, known: object, where: string): void {
  const other = Object.keys(given).find((name) => !Object.hasOwn(known, name));
  if (other !== undefined) throw new TypeError(`${where}${other}: there is no such option`);
}
