import {
  type Certificate,
  type Claims,
  decodeClaims,
  emptyRights,
  excess,
  FormatError,
  meet,
  OID,
} from '@licet/format';
import type { Findings } from './verdict.ts';

/**
 * What the chain is worth: the meet of the claims of all its certificates, from the anchor down to the license.
 *
 * Every certificate below the anchor must carry claims: a CA without them grants nothing, and "nothing said" must never
 * mean "everything allowed". The anchor is trusted by decision and not by what it says, so it may do without; claims
 * that it does carry count like any others.
 *
 * @param path the license first, the anchor last.
 */
export function effectiveClaims(path: readonly Certificate[], findings: Findings): Claims | undefined {
  let effective: Claims | undefined;
  let complete = true;
  for (let i = path.length - 1; i >= 0; i -= 1) {
    const claims = readClaims(path[i]!, describePlace(i), i === path.length - 1, findings);
    if (claims === 'refused') complete = false;
    if (claims === 'refused' || claims === 'none') continue;
    if (effective) reportExcess(effective, claims, i, findings);
    effective = effective ? meet(effective, claims) : claims;
  }
  if (!complete || effective === undefined) return undefined;
  return isLicense(effective, findings) ? effective : undefined;
}

// The CAs of a product are the same at each check.
const decoded = new WeakMap<Certificate, Claims>();

function readClaims(
  certificate: Certificate,
  place: string,
  optional: boolean,
  findings: Findings,
): Claims | 'none' | 'refused' {
  const extension = certificate.extensions.all.find(({ oid }) => oid === OID.licenseClaims);
  if (extension === undefined) {
    if (optional) return 'none';
    findings.refuse('invalid', 'CLAIMS_MISSING', `${place} carries no license claims.`);
    return 'refused';
  }
  try {
    const known = decoded.get(certificate) ?? decodeClaims(extension.value);
    decoded.set(certificate, known);
    return known;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const code = error.code === 'CLAIMS_VERSION' ? 'CLAIMS_VERSION' : 'MALFORMED';
    findings.refuse('invalid', code, `${place} carries claims that cannot be read: ${error.message}.`, error.path);
    return 'refused';
  }
}

function reportExcess(above: Claims, claims: Claims, depth: number, findings: Findings): void {
  for (const { claim, detail } of excess(above, claims)) {
    findings.warn('CLAIMS_TRIMMED', `${describePlace(depth)}: ${detail}.`, { claim });
  }
}

const EMPTY = {
  modes: ['MODE_MISMATCH', 'The chain leaves no mode in which the license could be used.'],
  features: ['FEATURE_MISSING', 'The chain leaves no feature that could be used.'],
  term: ['TERM_ENDED', 'The terms of the chain have no day in common.'],
} as const;

function isLicense(effective: Claims, findings: Findings): boolean {
  const empty = emptyRights(effective);
  for (const claim of empty) {
    const [code, detail] = EMPTY[claim];
    findings.refuse('invalid', code, detail, claim);
  }
  if (effective.modes.length > 1) {
    const modes = effective.modes.join(', ');
    findings.refuse('invalid', 'MODE_MISMATCH', `A site has exactly one mode; this license says ${modes}.`, 'modes');
  }
  return empty.length === 0 && effective.modes.length === 1;
}

function describePlace(depth: number): string {
  return depth === 0 ? 'The license' : `The CA certificate ${depth} above the license`;
}
