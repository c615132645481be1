import { licenseUri } from '@licet/authority';
import { LicetError } from '../errors.ts';
import { readCsr } from '../read-csr.ts';

type Named = { readonly organization: string; readonly enterprise: string; readonly site: string };

const LICENSE_URI = /^license:/i;

/**
 * What becomes of the names in a first request is for the server to say (RFC 7030 §4.2.1), and hosts and companies that
 * a tool has put there are passed over. Who asks to be another site is told so, and not made into this one unasked.
 */
export function assertOwnName(csr: Uint8Array, { organization, enterprise, site }: Named): void {
  const own = licenseUri({ organization, enterprise, commonName: site });
  for (const name of readCsr(csr).requestedExtensions?.subjectAltName ?? []) {
    if (name.kind !== 'uri' || !LICENSE_URI.test(name.value) || name.value.toLowerCase() === own) continue;
    const message = `The request asks for the name of another site; this one is "${own}". Leave the name out.`;
    throw new LicetError('forbidden', 'SAN_MISMATCH', message);
  }
}
