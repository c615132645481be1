import { type Certificate, type GeneralName, OID } from '@licet/format';
import { isEmpty } from '../names/directory.ts';
import { addressBytes, isAbsoluteUri, isDnsPattern, isHost, splitMailbox } from '../names/hosts.ts';

/** RFC 5280 §4.2.1.6: what is wrong with the alternative names of a certificate. */
export function alternativeNameDefect({ subject, extensions }: Certificate): string | undefined {
  const names = extensions.subjectAltName;
  const critical = extensions.all.some(({ oid, critical }) => oid === OID.subjectAltName && critical);
  if (isEmpty(subject) && !critical) return '4.1.2.6: no subject, and no critical alternative name instead';
  if (names === undefined) return undefined;
  const malformed = names.find((name) => !isWellFormed(name));
  return malformed && `4.2.1.6: a malformed name of the form ${malformed.kind}`;
}

function isWellFormed(name: GeneralName): boolean {
  switch (name.kind) {
    case 'dns':
      return isDnsPattern(name.value);
    case 'email':
      return splitMailbox(name.value) !== undefined;
    case 'uri':
      return isAbsoluteUri(name.value) && hasSoundAuthority(name.value);
    case 'ip':
      return name.bytes.length === 4 || name.bytes.length === 16;
    default:
      return true;
  }
}

/** §4.2.1.6: an authority, where there is one, holds a host name or an address; an empty one is that of `file:///`. */
function hasSoundAuthority(uri: string): boolean {
  const authority = /^[^:/?#]+:\/\/([^/?#]*)/.exec(uri)?.[1];
  if (authority === undefined || authority === '') return true;
  const host = authority.replace(/^.*@/s, '').replace(/:\d*$/, '');
  const address = /^\[(.*)\]$/s.exec(host)?.[1];
  return address === undefined ? isHost(host) : address.includes(':') && addressBytes(address) !== undefined;
}
