import {
  DerReader,
  OID,
  Tag,
  decodeCertificate,
  encodeCertificate,
  excess,
  explicit,
  type Certificate,
  type Claims,
  type Name,
} from '@licet/format';
import { PLACEHOLDERS, SIGNATURE_ALGORITHMS } from '../../issue/signatures.ts';
import { SKEW_MS } from '../../ports/clock.ts';
import { DAY } from '../../profiles/profile.ts';
import { site } from '../../profiles/site.ts';
import { claimsOf, refuse, requireCertificate, type BoundKey } from './bound-key.ts';
import { element } from './element.ts';
import { MAY_SIGN, NAMES_TENANT, OWN_SHAPE, shapeOf, type Shape } from './shapes.ts';

export type TbsCertificate = Omit<Certificate, 'der' | 'signature'>;

/**
 * Whether a key may sign this certificate. The issuer prepares and lints with all its knowledge; here are only the
 * rules whose breach would be worth breaking into the server for, asked of the bytes alone.
 */
export function checkCertificate(key: BoundKey, bytes: Uint8Array, now: Date): void {
  const certificate = decodeTbs(key, bytes);
  checkForm(key, certificate);
  if (key.certificate === undefined && key.description.purpose === 'root') {
    checkOwnRoot(key, certificate);
    return;
  }
  const issuer = requireCertificate(key);
  if (!equal(certificate.issuer.raw, issuer.subject.raw)) refuse(key, 'the issuer in the certificate is somebody else');
  if (equal(certificate.publicKey.raw, key.description.publicKey)) refuse(key, 'a key does not certify itself');
  if (certificate.notAfter > issuer.notAfter) {
    refuse(key, `the certificate would outlive its issuer, which ends ${issuer.notAfter.toISOString()}`);
  }
  const shape = shapeOf(certificate);
  if (shape === undefined || !MAY_SIGN[key.description.purpose].includes(shape)) {
    refuse(key, `its purpose does not cover ${shape ?? 'a certificate whose purpose cannot be told'}`);
  }
  if (shape === 'license') checkLifetime(key, certificate, now);
  checkPathLength(key, issuer, certificate);
  checkTenant(key, shape, certificate.subject, key.description.purpose === 'enterprise');
  checkClaims(key, shape, claimsOf(certificate));
}

/** Whether `certificate` may be bound to `key`: it must be for this key, of its shape, and of its tenant. */
export function checkOwnCertificate(key: BoundKey, certificate: Certificate): void {
  checkForm(key, certificate);
  const { purpose, publicKey } = key.description;
  if (!equal(certificate.publicKey.raw, publicKey)) refuse(key, 'the certificate is for another key');
  const shape = shapeOf(certificate);
  const expected = OWN_SHAPE[purpose];
  if (shape === undefined || shape !== expected) {
    refuse(key, `its certificate should be of the kind "${expected ?? 'none'}" and is "${shape ?? 'none of ours'}"`);
  }
  const pathLength = certificate.extensions.basicConstraints?.pathLength;
  if (purpose === 'organization' && (pathLength ?? 0) < 1) refuse(key, 'its certificate allows no authority below it');
  if (purpose === 'enterprise' && pathLength !== 0) refuse(key, 'its certificate must have the path length 0');
  checkTenant(key, shape, certificate.subject, purpose === 'enterprise');
}

/** The signed part alone, read by the decoder for certificates: strictly, and as everybody else will read it. */
function decodeTbs(key: BoundKey, bytes: Uint8Array): TbsCertificate {
  const reader = new DerReader(bytes, 'tbs', { size: 65_536, depth: 4, nodes: 8 });
  reader.enter(Tag.SEQUENCE, '');
  reader.skip(explicit(0), 'version');
  reader.skip(Tag.INTEGER, 'serial');
  const algorithm = element(reader, 'signature');
  if (!equal(algorithm, SIGNATURE_ALGORITHMS[key.description.algorithm]))
    refuse(key, 'the certificate names another algorithm');
  return decodeCertificate(encodeCertificate(bytes, { raw: algorithm }, PLACEHOLDERS[key.description.algorithm]));
}

function checkForm(key: BoundKey, certificate: TbsCertificate): void {
  if (certificate.version !== 3) refuse(key, 'certificates have version 3');
  if (certificate.notBefore >= certificate.notAfter) refuse(key, 'the certificate ends before it begins');
  // RFC 5280 §4.1.2.2: positive, and at most 20 octets.
  const [first = 0x80] = certificate.serial;
  const isZero = certificate.serial.length === 1 && first === 0;
  if (first >= 0x80 || isZero || certificate.serial.length > 20)
    refuse(key, 'the serial number breaks RFC 5280 §4.1.2.2');
}

function checkOwnRoot(key: BoundKey, certificate: TbsCertificate): void {
  const isOwn = equal(certificate.publicKey.raw, key.description.publicKey);
  if (!isOwn || shapeOf(certificate) !== 'root' || !equal(certificate.issuer.raw, certificate.subject.raw)) {
    refuse(key, 'until it has a certificate, a root key signs nothing but its own');
  }
}

/** Whatever is taken at a site or a server is worth nothing after this time: docs/threat-model.md. */
function checkLifetime(key: BoundKey, { notBefore, notAfter }: TbsCertificate, now: Date): void {
  // RFC 5280 §4.1.2.5: the last second belongs to the validity.
  const seconds = (notAfter.getTime() - notBefore.getTime()) / 1000 + 1;
  if (seconds > site.lifetime) refuse(key, `a license lives for ${site.lifetime / DAY} days at most`);
  // A life that begins next year is as good to a thief as a long one.
  if (notAfter.getTime() > now.getTime() + site.lifetime * 1000 + SKEW_MS) {
    const reason = `the license would end at ${notAfter.toISOString()}, more than ${site.lifetime / DAY} days after the time of the signer, which is ${now.toISOString()}; set the clocks of server and signer right`;
    refuse(key, reason);
  }
}

function checkPathLength(key: BoundKey, issuer: Certificate, certificate: TbsCertificate): void {
  if (certificate.extensions.basicConstraints?.ca !== true) return;
  const below = certificate.extensions.basicConstraints.pathLength;
  const here = issuer.extensions.basicConstraints?.pathLength ?? Infinity;
  // RFC 5280 §6.1.4 (l): only what is not self-issued counts.
  const mayEqual = equal(certificate.issuer.raw, certificate.subject.raw);
  if (below === undefined || (mayEqual ? below > here : below >= here)) {
    refuse(key, `an authority below it must have a path length below its own (${here}), not ${below ?? 'none'}`);
  }
}

/**
 * A root may certify authorities of several organizations; below it every subject stays in the tenant of its key. Server
 * and responder certificates may leave the organization out, but not name another.
 */
function checkTenant(key: BoundKey, shape: Shape, subject: Name, mustNameEnterprise: boolean): void {
  const { purpose, organization, enterprise } = key.description;
  const organizations = attributes(subject, OID.organizationName);
  const isNamed = organizations.length === 1;
  if (NAMES_TENANT.includes(shape) && !isNamed) refuse(key, 'the subject must name exactly one organization');
  if (purpose !== 'root' && organizations.some((name) => name !== organization)) {
    refuse(key, `the subject belongs to the organization "${organizations.join(', ')}", the key to "${organization}"`);
  }
  if (!mustNameEnterprise || !NAMES_TENANT.includes(shape)) return;
  const units = attributes(subject, OID.organizationalUnitName);
  if (units.length !== 1 || units[0] !== enterprise) {
    refuse(key, `the subject belongs to the enterprise "${units.join(', ')}", the key to "${enterprise ?? 'none'}"`);
  }
}

function checkClaims(key: BoundKey, shape: Shape, claims: Claims | undefined): void {
  if (shape !== 'authority' && shape !== 'license') return;
  if (claims === undefined) refuse(key, 'the certificate has no claims');
  if (key.claims === undefined) {
    // The root of a hierarchy grants everything; every other issuer has claims, or it was never bound.
    if (key.description.purpose !== 'root') refuse(key, 'its own certificate has no claims to pass on');
    return;
  }
  const above = excess(key.claims, claims);
  if (above.length > 0) {
    const details = above.map(({ claim, detail }) => `${claim}: ${detail}`);
    refuse(key, `the certificate claims more than its issuer has (${details.join('; ')})`, { details });
  }
}

function attributes(name: Name, oid: string): string[] {
  return name.rdns.flatMap((rdn) => rdn.flatMap((part) => (part.oid === oid ? [part.value ?? '(unreadable)'] : [])));
}

function equal(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}
