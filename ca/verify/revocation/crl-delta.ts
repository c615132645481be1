import { type CertificateList, OID, equalBytes } from '@licet/format';
import { sameName } from '../names/directory.ts';

export function isDelta({ extensions }: CertificateList): boolean {
  return extensions.deltaCrlIndicator !== undefined;
}

/** RFC 5280 §5.2.4, §6.3.3 (c): whether a delta CRL says what changed since this complete one. */
export function belongsTo(delta: CertificateList, complete: CertificateList): boolean {
  const base = delta.extensions.deltaCrlIndicator;
  const number = complete.extensions.crlNumber;
  if (base === undefined || number === undefined || delta.extensions.crlNumber === undefined) return false;
  if (!sameName(delta.issuer, complete.issuer)) return false;
  if (!sameExtension(delta, complete, OID.issuingDistributionPoint)) return false;
  if (!sameExtension(delta, complete, OID.authorityKeyIdentifier)) return false;
  // §5.2.4 (c), (d): the complete CRL is at least as new as the base, and older than the delta.
  return number >= base && number < delta.extensions.crlNumber;
}

function sameExtension(a: CertificateList, b: CertificateList, oid: string): boolean {
  const inA = a.extensions.all.find((extension) => extension.oid === oid)?.value;
  const inB = b.extensions.all.find((extension) => extension.oid === oid)?.value;
  return inA === undefined || inB === undefined ? inA === inB : equalBytes(inA, inB);
}
