import { type Certificate, type CertificateExtensions, OID } from '@licet/format';
import type { Code } from '../codes.ts';
import { isSubtree } from '../names/constraints.ts';
import { isEmpty, sameName } from '../names/directory.ts';
import { alternativeNameDefect } from './alternative-names.ts';
import type { Defect } from './findings.ts';

/** Where in the path a certificate stands. */
export type Role = 'anchor' | 'issuer' | 'leaf';

type Rule = {
  readonly code: Code;
  /** What is wrong with the certificate, or undefined. */
  readonly check: (certificate: Certificate, role: Role) => string | undefined;
};

/**
 * The rules of RFC 5280 §4 that hold for one certificate by itself, in the order of the document. Those about the syntax
 * of a single field are with the decoder.
 */
const RULES: readonly Rule[] = [
  violation((c) =>
    unless(c.serial[0]! < 0x80 && c.serial.some((octet) => octet !== 0), '4.1.2.2: serial not positive'),
  ),
  violation((c) => unless(c.serial.length <= 20, '4.1.2.2: serial of more than 20 octets')),
  violation((c) => unless(!isEmpty(c.issuer), '4.1.2.4: the issuer has no name')),
  violation((c) => unless(!isCa(c) || !isEmpty(c.subject), '4.1.2.6: a CA without a name')),
  // A CA certificate of version 1 or 2 cannot say that it is one; trust in it would rest on nothing it says (§6.1.4 (k)).
  violation((c, role) => unless(role === 'leaf' || c.version === 3, '4.1.2.1: an issuer of another version than 3')),
  { code: 'EXTENSION_UNKNOWN', check: unknownCritical },
  violation(({ extensions }) => wrongCriticality(extensions)),
  violation((c) => unless(sameName(c.issuer, c.subject) || hasKeyId(c), '4.2.1.1: no authority key identifier')),
  violation((c) => unless(!isCa(c) || c.extensions.subjectKeyIdentifier, '4.2.1.2: a CA without key identifier')),
  violation(keyUsageDefect),
  violation(alternativeNameDefect),
  { code: 'USAGE_INVALID', check: (c, role) => unless(role === 'leaf' || isCa(c), '4.2.1.9: an issuer that is no CA') },
  {
    code: 'USAGE_INVALID',
    check: (c, role) =>
      unless(role === 'leaf' || signsCertificates(c), '4.2.1.3: a key that must not sign certificates'),
  },
  violation(basicConstraintsDefect),
  violation(nameConstraintsDefect),
];

export function profileDefects(certificate: Certificate, role: Role): Defect[] {
  const defects: Defect[] = [];
  for (const { code, check } of RULES) {
    const detail = check(certificate, role);
    if (detail !== undefined) defects.push({ code, detail });
  }
  return defects;
}

function violation(check: Rule['check']): Rule {
  return { code: 'PROFILE_VIOLATION', check };
}

function unless(condition: unknown, detail: string): string | undefined {
  return condition ? undefined : detail;
}

export function isCa({ extensions }: Certificate): boolean {
  return extensions.basicConstraints?.ca === true;
}

/** §6.1.4 (n): only where the extension is present does it say anything. */
function signsCertificates({ extensions: { keyUsage } }: Certificate): boolean {
  return keyUsage === undefined || keyUsage.has('keyCertSign');
}

/** §4.2.1.1: it may be left out of self-signed certificates only. */
function hasKeyId({ extensions }: Certificate): boolean {
  return extensions.authorityKeyIdentifier?.keyIdentifier !== undefined;
}

/** Extensions that are processed, here or elsewhere in this package, so that they may be critical (§4.2). */
const PROCESSED: ReadonlySet<string> = new Set([
  OID.keyUsage,
  OID.subjectAltName,
  OID.issuerAltName,
  OID.basicConstraints,
  OID.nameConstraints,
  OID.crlDistributionPoints,
  OID.certificatePolicies,
  OID.policyMappings,
  OID.policyConstraints,
  OID.extendedKeyUsage,
  OID.inhibitAnyPolicy,
  OID.ocspNoCheck,
]);

/** §4.2.1.1, §4.2.1.2, §4.2.1.8, §4.2.1.15, §4.2.2: "conforming CAs MUST mark this extension as non-critical". */
const NEVER_CRITICAL: ReadonlySet<string> = new Set([
  OID.authorityKeyIdentifier,
  OID.subjectKeyIdentifier,
  OID.subjectDirectoryAttributes,
  OID.freshestCrl,
  OID.authorityInfoAccess,
  OID.subjectInfoAccess,
]);

/**
 * §4.2.1.10, §4.2.1.14: "conforming CAs MUST mark this extension as critical". §4.2.1.11 says so of policy constraints as
 * well, but RFC 3280 left it to the CA and NIST PKITS makes use of that; as we always process them, nothing is lost.
 */
const ALWAYS_CRITICAL: ReadonlySet<string> = new Set([OID.nameConstraints, OID.inhibitAnyPolicy]);

function unknownCritical({ extensions }: Certificate): string | undefined {
  const unknown = extensions.all.find(
    ({ oid, critical }) => critical && !PROCESSED.has(oid) && !NEVER_CRITICAL.has(oid),
  );
  return unknown && `4.2: the critical extension ${unknown.oid} is unknown`;
}

function wrongCriticality(extensions: CertificateExtensions): string | undefined {
  const wrong = extensions.all.find(({ oid, critical }) => (critical ? NEVER_CRITICAL : ALWAYS_CRITICAL).has(oid));
  return wrong && `4.2: the extension ${wrong.oid} must ${wrong.critical ? 'not ' : ''}be critical`;
}

/** §4.2.1.3. */
function keyUsageDefect(certificate: Certificate, role: Role): string | undefined {
  const { keyUsage } = certificate.extensions;
  if (keyUsage === undefined) {
    // An anchor is trusted for reasons of its own, and many old ones say nothing of their key (§6.1.1 (d)).
    return unless(role !== 'issuer' || !isCa(certificate), '4.2.1.3: a CA that does not say what its key is for');
  }
  return unless(isCa(certificate) || !keyUsage.has('keyCertSign'), '4.2.1.9: keyCertSign in a certificate of no CA');
}

/** §4.2.1.9. */
function basicConstraintsDefect(certificate: Certificate): string | undefined {
  const { basicConstraints, keyUsage, all } = certificate.extensions;
  if (basicConstraints?.ca !== true) return undefined;
  const critical = all.some(({ oid, critical }) => oid === OID.basicConstraints && critical);
  // §4.2.1.9: "MAY appear as a critical or non-critical extension" only where the key signs no certificates.
  const signs = keyUsage === undefined || keyUsage.has('keyCertSign');
  return unless(critical || !signs, '4.2.1.9: the basic constraints of a CA must be critical');
}

/** §4.2.1.10. */
function nameConstraintsDefect(certificate: Certificate): string | undefined {
  const { nameConstraints } = certificate.extensions;
  if (nameConstraints === undefined) return undefined;
  if (!isCa(certificate)) return '4.2.1.10: name constraints in a certificate of no CA';
  const subtrees = [...nameConstraints.permitted, ...nameConstraints.excluded];
  return unless(subtrees.every(isSubtree), '4.2.1.10: a name constraint that is malformed');
}
