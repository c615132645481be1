import { type Certificate, type CertificateList, equalBytes } from '@licet/format';
import type { Anchor } from '../anchors.ts';
import { nameKey, sameName } from '../names/directory.ts';
import { type Context, checkSignedBy } from '../path/context.ts';
import { findPath } from '../path/verify-path.ts';
import type { Task } from '../signatures/check.ts';

/** The certificate whose status is asked for, and where it stands. */
export type Target = { readonly certificate: Certificate; readonly issuer: Certificate; readonly anchor: Anchor };

/** CRLs of CRL issuers of CRL issuers: one step aside is known in practice, two are generous. */
const MOST_STEPS_ASIDE = 2;

/**
 * The certificate that vouches for a CRL, if one does: RFC 5280 §6.3.3 (f), (g). `named`: the certificate in question
 * names the issuer of this CRL itself (cRLIssuer, §4.2.1.13).
 */
export function* signerOf(
  crl: CertificateList,
  target: Target & { readonly named: boolean },
  context: Context,
): Task<Certificate | undefined> {
  const { issuer } = target;
  if (sameName(issuer.subject, crl.issuer) && (yield* vouches(issuer, crl, context))) return issuer;
  for (const candidate of otherIssuers(crl, context)) {
    if (equalBytes(candidate.publicKey.raw, issuer.publicKey.raw) && sameName(candidate.subject, issuer.subject))
      continue;
    context.budget.spendCandidate();
    if (!(yield* vouches(candidate, crl, context))) continue;
    if (yield* isTrusted(candidate, target, context)) return candidate;
  }
  return undefined;
}

function* vouches(issuer: Certificate, crl: CertificateList, context: Context): Task<boolean> {
  const { keyUsage, subjectKeyIdentifier } = issuer.extensions;
  if (keyUsage !== undefined && !keyUsage.has('cRLSign')) return false;
  const wanted = crl.extensions.authorityKeyIdentifier?.keyIdentifier;
  if (wanted !== undefined && subjectKeyIdentifier !== undefined && !equalBytes(wanted, subjectKeyIdentifier))
    return false;
  return (yield* checkSignedBy(crl, issuer, context)) === 'valid';
}

function otherIssuers(crl: CertificateList, { pool }: Context): Certificate[] {
  const name = nameKey(crl.issuer);
  const anchors = (pool.anchors.get(name) ?? []).map(({ certificate }) => certificate);
  return [...anchors, ...(pool.certificates.get(name) ?? [])];
}

/** §6.3.3 (f): its path must hold and end at the anchor of the target. */
function* isTrusted(
  issuer: Certificate,
  { anchor, named }: Target & { readonly named: boolean },
  context: Context,
): Task<boolean> {
  if (anchor.certificate === issuer) return true;
  const { crlIssuers } = context;
  // A CRL issuer may stand on its own list when the CA has put into its certificate that it does (PKITS 4.14.30). Its
  // path is being validated further up; without that word two of them could vouch for each other.
  if (crlIssuers.includes(issuer)) return named;
  if (crlIssuers.length >= MOST_STEPS_ASIDE) return false;
  const aside = { ...context, names: [], purpose: undefined, policies: {}, crlIssuers: [...crlIssuers, issuer] };
  const { ok, path } = yield* findPath(issuer, aside);
  return ok && path.at(-1) === anchor.certificate;
}
