import type { Certificate, CertificateList, CrlEntry } from '@licet/format';
import { bytesKey } from '../bytes.ts';
import { nameKey, sameName } from '../names/directory.ts';

const indirectEntries = new WeakMap<CertificateList, Map<string, CrlEntry>>();

/** What a CRL says of a certificate (RFC 5280 §6.3.3 (i), (j)); undefined when it does not list it. */
export function entryFor(certificate: Certificate, crl: CertificateList): CrlEntry | undefined {
  if (crl.extensions.issuingDistributionPoint?.indirect !== true) {
    return sameName(certificate.issuer, crl.issuer) ? crl.find(certificate.serial) : undefined;
  }
  let entries = indirectEntries.get(crl);
  if (entries === undefined) indirectEntries.set(crl, (entries = indexByIssuer(crl)));
  return entries.get(entryKey(nameKey(certificate.issuer), certificate.serial));
}

/** §5.3.3: the issuer of an entry is that of the entry before it, unless it names one; the decoder fills that in. */
function indexByIssuer(crl: CertificateList): Map<string, CrlEntry> {
  const entries = new Map<string, CrlEntry>();
  for (const entry of crl.entries()) {
    const named = entry.certificateIssuer?.flatMap((name) => (name.kind === 'directory' ? [name.name] : []));
    for (const issuer of named ?? [crl.issuer]) entries.set(entryKey(nameKey(issuer), entry.serial), entry);
  }
  return entries;
}

function entryKey(issuer: string, serial: Uint8Array): string {
  return `${bytesKey(serial)}|${issuer}`;
}
