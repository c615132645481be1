import { licenseUri } from '@licet/authority';
import { type CertificationRequest, type GeneralName, type Name, OID } from '@licet/format';
import { LicetError } from '../errors.ts';

type Attribute = { readonly oid: string; readonly value: string | undefined };

/**
 * What a request says in its subject beside what is there anyway; undefined: nothing. What it leaves out asks for no
 * other name: certmonger and others go on for years with what they were set up with, and that is the common name alone.
 */
export function strangerIn({ rdns }: Name, own: readonly Attribute[]): Attribute | undefined {
  const known = new Set(own.map(textOf));
  return rdns.flat().find((attribute) => !known.has(textOf(attribute)));
}

/** In a license all of them are short names in plain letters, and each stands once. */
const textOf = ({ oid, value = '' }: Attribute): string => `${oid} ${value.trim().toLowerCase()}`;

export type SiteName = { readonly organization: string; readonly enterprise: string; readonly site: string };

/**
 * The server decides what becomes of the names in a first request (RFC 7030 §4.2.1). Those that the license will not have
 * are refused now, when somebody looks: passed over, they would come back with the first renewal, which must not name
 * anything else (§4.2.2), and end the site there.
 */
export function assertOwnNames(
  { subject, requestedExtensions }: CertificationRequest,
  { organization, enterprise, site }: SiteName,
): void {
  const stranger = strangerIn(subject, [
    { oid: OID.organizationName, value: organization },
    { oid: OID.organizationalUnitName, value: enterprise },
    { oid: OID.commonName, value: site },
  ]);
  if (stranger !== undefined) {
    const own = `O=${organization}, OU=${enterprise}, CN=${site}`;
    // As it came from outside: short, and on one line.
    const said = JSON.stringify((stranger.value ?? stranger.oid).slice(0, 80));
    const message = `The request says ${said}, and the license is for ${own}; say that, or leave it out.`;
    throw new LicetError('forbidden', 'SUBJECT_MISMATCH', message);
  }
  const uri = licenseUri({ organization, enterprise, commonName: site });
  const isOwn = (name: GeneralName) => name.kind === 'uri' && name.value.toLowerCase() === uri;
  if (requestedExtensions?.subjectAltName?.every(isOwn) ?? true) return;
  const message = `The license will have one alternative name, ${uri}; the request has others: leave them out.`;
  throw new LicetError('forbidden', 'SAN_MISMATCH', message);
}
