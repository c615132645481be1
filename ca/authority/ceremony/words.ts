import { hash } from 'node:crypto';
import {
  type Certificate,
  decodeClaims,
  describe,
  formatName,
  keyKind,
  OID,
  type PublicKeyInfo,
  toHex,
} from '@licet/format';

export const sha256 = (bytes: Uint8Array | string): string => hash('sha256', bytes, 'hex');

/** SHA-256 in any of the usual spellings: with colons, in groups, in capitals. */
export const plainHash = (text: string): string => text.replaceAll(/[\s:]/g, '').toLowerCase();

/** As `openssl x509 -fingerprint -sha256` prints it, so that two people can compare it by ear. */
export function fingerprintOf(der: Uint8Array): string {
  return sha256(der).toUpperCase().match(/../g)!.join(':');
}

/** RFC 3339 in UTC, to the second. */
export const instantText = (at: Date): string => at.toISOString().replace(/\.\d{3}Z$/, 'Z');

/** A certificate in words, for people who decide whether it is to be made. `serial: false` before it is drawn. */
export function certificateWords(certificate: Certificate, { serial }: { serial: boolean }): string[] {
  const { subject, issuer, notBefore, notAfter, publicKey, extensions } = certificate;
  const { pathLength } = extensions.basicConstraints ?? {};
  const claims = extensions.all.find(({ oid }) => oid === OID.licenseClaims);
  return [
    `subject ${formatName(subject)}`,
    `issuer ${formatName(issuer)}`,
    `valid from ${instantText(notBefore)} to ${instantText(notAfter)}`,
    `key ${keyWords(publicKey)}`,
    serial
      ? `serial ${toHex(certificate.serial)}`
      : `serial of ${certificate.serial.length} octets, 128 bits of them random`,
    ...(pathLength === undefined ? [] : [`authorities below it: at most ${pathLength} deep`]),
    ...points(certificate),
    ...(claims === undefined ? ['no claims'] : describe(decodeClaims(claims.value)).map((words) => `claim: ${words}`)),
  ];
}

function keyWords(publicKey: PublicKeyInfo): string {
  const key = keyKind(publicKey);
  switch (key?.kind) {
    case 'ec':
      return key.curve;
    case 'rsa':
      return `RSA with ${key.bits} bits`;
    case 'ml-dsa':
      return `ML-DSA-${key.set}`;
    case 'ed25519':
      return 'Ed25519';
    default:
      return 'of an unknown kind';
  }
}

function points({ extensions: { crlDistributionPoints = [], authorityInfoAccess = [] } }: Certificate): string[] {
  const lists = crlDistributionPoints.flatMap(({ point }) => (point?.kind === 'full' ? point.names : []));
  const urls = [...lists, ...authorityInfoAccess.map(({ location }) => location)];
  return urls.flatMap((url) => (url.kind === 'uri' ? [`address ${url.value}`] : []));
}
