import { FormatError, type FormatCode } from '../errors.ts';
import { CLAIMS_LIMITS, compareCodes, DEGRADES, ENFORCES, MODES, SCOPES } from './claims.ts';
import type { Binding, Claims, Limit } from './claims.ts';

const UUID = /^[\da-f]{8}(-[\da-f]{4}){3}-[\da-f]{12}$/;
const DIGEST = /^[\da-f]{64}$/;

// Beyond ASCII letters, digits and punctuation: control characters, and the format characters that turn text around.
const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u;
const ASCII = /^[\x20-\x7E]+$/;
const FEATURE = /^[^/]+(\/[^/]+)?$/;

/**
 * Refuses claims that break a rule of `asn1.ts`, naming the claim. Both directions of the codec go through here, so
 * that nothing is encoded which a decoder would refuse.
 */
export function checkClaims(claims: Claims): void {
  if (!UUID.test(claims.id)) fail('id', `"${claims.id}" is no lower-case UUID`);
  checkInteger('sequence', claims.sequence, 1);
  checkEnumeration('modes', claims.modes, MODES);
  checkInteger('tier.rank', claims.tier.rank, 0, CLAIMS_LIMITS.rank);
  checkCode('tier.code', claims.tier.code);
  checkFeatures(claims.features);
  checkLimits(claims.limits);
  checkInstant('term.from', claims.term.from);
  checkInstant('term.to', claims.term.to);
  if (claims.term.from.getTime() >= claims.term.to.getTime()) fail('term', 'must end after it begins');
  checkInteger('grace', claims.grace, 0);
  checkInteger('contact', claims.contact, 0);
  checkMember('degrade', claims.degrade, DEGRADES);
  if (claims.binding) checkBinding(claims.binding);
  if (claims.reporting) checkInteger('reporting.every', claims.reporting.every, 1);
}

/** Throws what is wrong with one claim. */
export function fail(claim: string, message: string, code: FormatCode = 'CLAIMS_INVALID'): never {
  throw new FormatError(code, `claims.${claim}`, message);
}

/** `limits[].max` of the entry `index`: named only when there is something to say about it. */
function place(claim: string, index: number | undefined): string {
  return index === undefined ? claim : claim.replace('[]', `[${index}]`);
}

function checkInteger(
  claim: string,
  value: number,
  least: number,
  most: number = CLAIMS_LIMITS.integer,
  index?: number,
): void {
  if (!Number.isInteger(value) || value < least) {
    fail(place(claim, index), `${value} is no whole number from ${least} on`);
  }
  if (value > most) fail(place(claim, index), `${value} is above ${most}`, 'CLAIMS_LIMIT');
}

function checkMember<T>(claim: string, value: T, all: readonly T[], index?: number): void {
  if (!all.includes(value)) fail(place(claim, index), `"${String(value)}" is none of ${all.join(', ')}`);
}

/** Members of `all`, each once and in its order, and at least one. */
function checkEnumeration<T>(claim: string, values: readonly T[], all: readonly T[]): void {
  if (values.length === 0) fail(claim, 'must not be empty');
  let last = -1;
  for (const value of values) {
    checkMember(claim, value, all);
    if (all.indexOf(value) <= last) fail(claim, `must name each once, in the order ${all.join(', ')}`);
    last = all.indexOf(value);
  }
}

function checkCode(claim: string, value: string, index?: number): void {
  if (value.length <= CLAIMS_LIMITS.string && ASCII.test(value)) return;
  const bytes = UTF8.encode(value).length;
  const refuse = (message: string, code?: FormatCode) => fail(place(claim, index), message, code);
  if (value === '') refuse('must not be empty');
  if (!value.isWellFormed() || UNPRINTABLE.test(value)) refuse('holds characters that cannot be shown');
  if (value.normalize('NFC') !== value) refuse('is not in Unicode normal form C');
  if (bytes > CLAIMS_LIMITS.string) {
    refuse(`is ${bytes} bytes long, at most ${CLAIMS_LIMITS.string} are allowed`, 'CLAIMS_LIMIT');
  }
}

const UTF8 = new TextEncoder();

function checkCount(claim: string, count: number, most: number): void {
  if (count > most) fail(claim, `has ${count} entries, at most ${most} are allowed`, 'CLAIMS_LIMIT');
}

function checkFeatures(features: readonly string[]): void {
  if (features.length === 0) fail('features', 'must not be empty');
  checkCount('features', features.length, CLAIMS_LIMITS.features);
  for (let i = 0; i < features.length; i += 1) {
    const feature = features[i]!;
    checkCode('features[]', feature, i);
    if (!FEATURE.test(feature)) fail(`features[${i}]`, `"${feature}" is neither "product" nor "product/feature"`);
    if (i > 0) checkOrder('features', features[i - 1]!, feature);
  }
}

function checkLimits(limits: readonly Limit[]): void {
  checkCount('limits', limits.length, CLAIMS_LIMITS.limits);
  for (let i = 0; i < limits.length; i += 1) {
    const { code, max, scope, enforce } = limits[i]!;
    checkCode('limits[].code', code, i);
    if (max !== 'unlimited') checkInteger('limits[].max', max, 0, CLAIMS_LIMITS.integer, i);
    checkMember('limits[].scope', scope, SCOPES, i);
    checkMember('limits[].enforce', enforce, ENFORCES, i);
    if (i > 0) checkOrder('limits', limits[i - 1]!.code, code);
  }
}

function checkOrder(claim: string, before: string, code: string): void {
  const order = compareCodes(before, code);
  if (order === 0) fail(claim, `names "${code}" twice`);
  if (order > 0) fail(claim, `is not sorted: "${code}" stands behind "${before}"`);
}

function checkInstant(claim: string, value: Date): void {
  const year = value.getUTCFullYear();
  // GeneralizedTime has four digits for the year, and RFC 5280 §4.1.2.5.2 allows no fractions of a second.
  if (!(year >= 0 && year <= 9999)) fail(claim, 'is no date from the year 0 to 9999');
  if (value.getUTCMilliseconds() !== 0) fail(claim, 'must be a whole second');
}

function checkBinding({ need, digests }: Binding): void {
  checkInteger('binding.need', need, 1, CLAIMS_LIMITS.digests);
  if (digests === 'any') return;
  checkCount('binding.digests', digests.length, CLAIMS_LIMITS.digests);
  digests.forEach((digest, i) => {
    if (!DIGEST.test(digest)) fail('binding.digests', `"${digest}" is no SHA-256 digest in lower-case hex`);
    if (i > 0) checkOrder('binding.digests', digests[i - 1]!, digest);
  });
  if (need > digests.length) fail('binding.need', `${need} of ${digests.length} fingerprints can never match`);
}
