import type { Certificate, GeneralName } from '@licet/format';
import { equalBytes } from '@licet/format';
import { addressBytes, dnsMatches, mailboxMatches, uriMatches } from './hosts.ts';

/** A name that the caller expects the certificate to be for. */
export type RequestedName = { readonly kind: 'dns' | 'ip' | 'email' | 'uri'; readonly value: string };

/** Only the subjectAltName counts: a common name has no defined form (RFC 9525 §2), so it is never looked at. */
export function isFor(certificate: Certificate, wanted: RequestedName): boolean {
  return (certificate.extensions.subjectAltName ?? []).some((name) => matches(name, wanted));
}

function matches(name: GeneralName, { kind, value }: RequestedName): boolean {
  if (name.kind !== kind) return false;
  switch (name.kind) {
    case 'dns':
      return dnsMatches(name.value, value);
    case 'email':
      return mailboxMatches(name.value, value);
    case 'uri':
      return uriMatches(name.value, value);
    case 'ip': {
      const bytes = addressBytes(value);
      return bytes !== undefined && equalBytes(name.bytes, bytes);
    }
    default:
      return false;
  }
}
