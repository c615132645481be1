import { type CertificateList, OID, isKnownCrlExtension } from '@licet/format';

export type Usability =
  { readonly kind: 'usable' } | { readonly kind: 'stale' } | { readonly kind: 'unusable'; readonly detail: string };

const ALWAYS_CRITICAL: ReadonlySet<string> = new Set([OID.issuingDistributionPoint, OID.deltaCrlIndicator]);
const NEVER_CRITICAL: ReadonlySet<string> = new Set([
  OID.crlNumber,
  OID.authorityKeyIdentifier,
  OID.freshestCrl,
  OID.authorityInfoAccess,
]);

const profiles = new WeakMap<CertificateList, { readonly defect: string | undefined }>();

/** Whether a CRL may be used at all, whoever it speaks about: RFC 5280 §5.1, §5.2, §6.3.3 (a). `at` in milliseconds. */
export function usability(crl: CertificateList, at: number): Usability {
  let profile = profiles.get(crl);
  if (profile === undefined) profiles.set(crl, (profile = { defect: profileDefect(crl) }));
  if (profile.defect !== undefined) return { kind: 'unusable', detail: profile.defect };
  if (!(at >= crl.thisUpdate.getTime())) return { kind: 'unusable', detail: 'the CRL is from the future' };
  return at <= crl.nextUpdate!.getTime() ? { kind: 'usable' } : { kind: 'stale' };
}

function profileDefect(crl: CertificateList): string | undefined {
  const { all, crlNumber, issuingDistributionPoint: scope } = crl.extensions;
  if (crl.version !== 2) return '5.1.2.1: the CRL is not of version 2';
  if (crl.nextUpdate === undefined) return '5.1.2.5: the CRL does not say when the next one comes';
  if (crlNumber === undefined) return '5.2.3: the CRL has no number';
  const unknown = all.find(({ oid, critical }) => critical && !isKnownCrlExtension(oid));
  if (unknown !== undefined) return `5.2: the critical extension ${unknown.oid} of the CRL is unknown`;
  const wrong = all.find(({ oid, critical }) => (critical ? NEVER_CRITICAL : ALWAYS_CRITICAL).has(oid));
  if (wrong !== undefined) return `5.2: the extension ${wrong.oid} must ${wrong.critical ? 'not ' : ''}be critical`;
  return entryDefect(crl, scope?.indirect === true);
}

/** §5.3: one entry that cannot be understood spoils the list; §5.3.3: only an indirect CRL speaks for others. */
function entryDefect(crl: CertificateList, indirect: boolean): string | undefined {
  if (crl.hasUnknownCritical) return '5.3: an entry of the CRL has a critical extension that is unknown';
  if (crl.hasCertificateIssuer && !indirect) return '5.3.3: an entry for another issuer in a CRL that is not indirect';
  return undefined;
}
