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
import { sameName } from './names/directory.ts';
import type { Findings } from './verdict.ts';

/**
 * What the chain is worth: the meet of the claims of all its certificates, from the anchor down to the license.
 *
 * Every certificate below the anchor must carry claims: a CA without them grants nothing, and "nothing said" must never
 * mean "everything allowed". The anchor is trusted by decision and not by what it says, so it may do without; claims
 * that it does carry count like any others. So may what stands right below it in its own name: that is the anchor still,
 * vouching for another key of its own (RFC 4210 §4.4), and nobody but the holder of its key can make it.
 */
export function effectiveClaims(license: Certificate, above: ClaimsAbove, findings: Findings): Claims | undefined {
  const effective = narrow(above, license, 0, false, findings);
  if (!effective.complete || effective.claims === undefined) return undefined;
  return isLicense(effective.claims, findings) ? effective.claims : undefined;
}

/** The meet of the CAs so far; `complete` unless one of them had no claims that count. */
export type ClaimsAbove = { readonly claims: Claims | undefined; readonly complete: boolean };

/** @param authorities the issuer of the license first, the anchor last. */
export function claimsAbove(authorities: readonly Certificate[], findings: Findings): ClaimsAbove {
  const anchor = authorities.at(-1)!;
  let above: ClaimsAbove = { claims: undefined, complete: true };
  let isAnchor = true;
  for (let i = authorities.length; i > 0; i -= 1) {
    const authority = authorities[i - 1]!;
    isAnchor &&= authority === anchor || isLink(authority, anchor);
    above = narrow(above, authority, i, isAnchor, findings);
  }
  return above;
}

/** Behind the first that says anything about claims nothing is the anchor any more, whatever its name. */
function isLink(certificate: Certificate, { subject }: Certificate): boolean {
  const { issuer, subject: own } = certificate;
  return sameName(issuer, subject) && sameName(own, subject) && claimsIn(certificate) === undefined;
}

const claimsIn = ({ extensions }: Certificate) => extensions.all.find(({ oid }) => oid === OID.licenseClaims);

function narrow(
  above: ClaimsAbove,
  certificate: Certificate,
  depth: number,
  optional: boolean,
  findings: Findings,
): ClaimsAbove {
  const claims = readClaims(certificate, depth, optional, findings);
  if (claims === 'none') return above;
  if (claims === 'refused') return { ...above, complete: false };
  if (above.claims === undefined) return { ...above, claims };
  const both = meet(above.claims, claims);
  for (const { claim, detail } of excess(above.claims, claims, both)) {
    findings.warn('CLAIMS_TRIMMED', `${describePlace(depth)}: ${detail}.`, { claim });
  }
  return { ...above, claims: both };
}

function readClaims(
  certificate: Certificate,
  depth: number,
  optional: boolean,
  findings: Findings,
): Claims | 'none' | 'refused' {
  const extension = claimsIn(certificate);
  if (extension === undefined) {
    if (optional) return 'none';
    findings.refuse('invalid', 'CLAIMS_MISSING', `${describePlace(depth)} carries no license claims.`);
    return 'refused';
  }
  try {
    return decodeClaims(extension.value);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const code = error.code === 'CLAIMS_VERSION' ? 'CLAIMS_VERSION' : 'MALFORMED';
    const detail = `${describePlace(depth)} carries claims that cannot be read: ${error.message}.`;
    findings.refuse('invalid', code, detail, error.path);
    return 'refused';
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
