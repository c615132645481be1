import { generateKeyPairSync } from 'node:crypto';
import { extension, fromHex, OID, type RawExtension } from '@licet/format';
import { ALGORITHM, AT, anyKey, ca, dns, flip, keyPair, leaf, name, root } from '../certificate-kit.ts';
import { type Case, onCa, onLeaf, onRoot } from './case.ts';

const raw = (oid: string, critical: boolean, value: string): RawExtension => ({ oid, critical, value: fromHex(value) });
const UNKNOWN = raw('1.3.6.1.4.1.55738.666.1', true, '0500');
const before = (ms: number): Date => new Date(AT.getTime() - ms);
const after = (ms: number): Date => new Date(AT.getTime() + ms);
const DAY = 86_400_000;
const noCa = extension.basicConstraints({ ca: false });
const looseCa = extension.basicConstraints({ ca: true }, false);
const aia = extension.authorityInfoAccess([{ method: OID.accessCaIssuers, location: dns('example.com') }]);
const dnConstraint = extension.nameConstraints({ permitted: [dns('example.com')] });
const wrongId = extension.authorityKeyIdentifier({ keyIdentifier: new Uint8Array(20) });

const rsa = (bits: number, exponent = 65_537) =>
  keyPair(() => generateKeyPairSync('rsa', { modulusLength: bits, publicExponent: exponent }));
const rsa2048 = rsa(2048);
const rsa1024 = rsa(1024);
const ed25519 = keyPair(() => generateKeyPairSync('ed25519'));
const p384 = keyPair(() => generateKeyPairSync('ec', { namedCurve: 'P-384' }), 'sha384');
const p521 = keyPair(() => generateKeyPairSync('ec', { namedCurve: 'P-521' }), 'sha512');
const k256 = keyPair(() => generateKeyPairSync('ec', { namedCurve: 'secp256k1' }));
const explicit = keyPair(() => generateKeyPairSync('ec', { namedCurve: 'P-256', paramEncoding: 'explicit' }));

function signedWith(title: string, codes: Case['codes'], key: ReturnType<typeof keyPair>, algorithm: Uint8Array): Case {
  const anchor = root({ key, algorithm });
  return { name: title, codes, chain: { anchors: [anchor], leaf: leaf(anchor, { algorithm }) } };
}

/** RFC 5280 §4: one certificate by itself. Names in the manner of x509-limbo, whose expectations these are. */
export const PROFILE_CASES: readonly Case[] = [
  onLeaf('a plain leaf below a root', [], {}),
  onCa('a plain leaf below an intermediate', [], {}),
  onLeaf('serial zero', ['PROFILE_VIOLATION'], { serial: fromHex('00') }),
  onLeaf('serial negative', ['PROFILE_VIOLATION'], { serial: fromHex('ff') }),
  onLeaf('serial of 20 octets', [], { serial: fromHex(`7f${'11'.repeat(19)}`) }),
  onLeaf('serial of 21 octets', ['PROFILE_VIOLATION'], { serial: fromHex(`7f${'11'.repeat(20)}`) }),
  onLeaf('serial of 20 octets and a sign octet', ['PROFILE_VIOLATION'], { serial: fromHex(`00${'ff'.repeat(20)}`) }),
  onLeaf('leaf of version 1', ['PROFILE_VIOLATION'], { version: 1 }),
  onLeaf('unknown critical extension in the leaf', ['EXTENSION_UNKNOWN'], { with: { unknown: UNKNOWN } }),
  onLeaf('unknown extension in the leaf', [], { with: { unknown: flip(UNKNOWN) } }),
  onCa('unknown critical extension in the intermediate', ['EXTENSION_UNKNOWN'], { with: { unknown: UNKNOWN } }),
  onRoot('unknown critical extension in the root', ['EXTENSION_UNKNOWN'], { with: { unknown: UNKNOWN } }),
  onLeaf('duplicate extension', ['MALFORMED'], {
    with: { second: extension.subjectAltName([dns('example.com')]) },
  }),
  onLeaf('leaf without authority key identifier', ['PROFILE_VIOLATION'], {
    with: { authorityKeyIdentifier: undefined },
  }),
  onCa('intermediate without authority key identifier', ['PROFILE_VIOLATION'], {
    with: { authorityKeyIdentifier: undefined },
  }),
  onRoot('root without authority key identifier', [], { with: { authorityKeyIdentifier: undefined } }),
  onRoot('root with critical authority key identifier', ['PROFILE_VIOLATION'], {
    with: { authorityKeyIdentifier: { ...wrongId, critical: true, value: fromHex('3000') } },
  }),
  onLeaf('authority key identifier of another key', ['PROFILE_VIOLATION'], {
    with: { authorityKeyIdentifier: wrongId },
  }),
  onRoot('root without subject key identifier', ['PROFILE_VIOLATION'], { with: { subjectKeyIdentifier: undefined } }),
  onCa('intermediate without subject key identifier', ['PROFILE_VIOLATION'], {
    with: { subjectKeyIdentifier: undefined },
  }),
  onLeaf('leaf with critical subject key identifier', ['PROFILE_VIOLATION'], {
    with: { subjectKeyIdentifier: flip(extension.subjectKeyIdentifier(new Uint8Array(20))) },
  }),
  onLeaf('leaf without subject key identifier', [], { with: { subjectKeyIdentifier: undefined } }),
  onLeaf('leaf with critical authority information access', ['PROFILE_VIOLATION'], { with: { aia: flip(aia) } }),
  onLeaf('leaf with authority information access', [], { with: { aia } }),
  onLeaf('malformed authority information access', ['MALFORMED'], {
    with: { aia: { ...aia, value: fromHex('6d616c') } },
  }),
  onLeaf('malformed alternative name', ['MALFORMED'], {
    with: { subjectAltName: raw(OID.subjectAltName, false, '6578616d706c652e636f6d') },
  }),
  onLeaf('empty subject with critical alternative name', [], {
    subject: '',
    with: { subjectAltName: extension.subjectAltName([dns('example.com')], true) },
  }),
  onLeaf('empty subject without critical alternative name', ['PROFILE_VIOLATION'], { subject: '' }),
  onLeaf('empty issuer', ['PROFILE_VIOLATION', 'CHAIN_INCOMPLETE'], { issuer: name('') }),
  onRoot('root without a name', ['PROFILE_VIOLATION'], { subject: '' }),
  onLeaf('leaf with keyCertSign', ['PROFILE_VIOLATION'], {
    with: { keyUsage: extension.keyUsage(['digitalSignature', 'keyCertSign']) },
  }),
  onLeaf('leaf without key usage', [], { with: { keyUsage: undefined } }),
  onLeaf('leaf without basic constraints', [], { with: { basicConstraints: undefined } }),
  onCa('intermediate that is no CA', ['PROFILE_VIOLATION', 'USAGE_INVALID'], { with: { basicConstraints: noCa } }),
  onCa('intermediate without basic constraints', ['PROFILE_VIOLATION', 'USAGE_INVALID'], {
    with: { basicConstraints: undefined },
  }),
  onRoot('root without basic constraints', ['PROFILE_VIOLATION', 'USAGE_INVALID'], {
    with: { basicConstraints: undefined },
  }),
  onRoot('root with non-critical basic constraints', ['PROFILE_VIOLATION'], { with: { basicConstraints: looseCa } }),
  onCa('intermediate with non-critical basic constraints', ['PROFILE_VIOLATION'], {
    with: { basicConstraints: looseCa },
  }),
  onRoot('root that must not sign certificates', ['USAGE_INVALID'], {
    with: { keyUsage: extension.keyUsage(['digitalSignature']) },
  }),
  onCa('intermediate that must not sign certificates', ['USAGE_INVALID'], {
    with: { keyUsage: extension.keyUsage(['cRLSign']) },
  }),
  onCa('intermediate without key usage', ['PROFILE_VIOLATION'], { with: { keyUsage: undefined } }),
  onRoot('root without key usage', [], { with: { keyUsage: undefined } }),
  onLeaf('leaf with name constraints', ['PROFILE_VIOLATION'], { with: { nameConstraints: dnConstraint } }),
  onCa('non-critical name constraints', ['PROFILE_VIOLATION'], { with: { nameConstraints: flip(dnConstraint) } }),
  onCa('non-critical inhibitAnyPolicy', ['PROFILE_VIOLATION'], {
    with: { inhibitAnyPolicy: flip(extension.inhibitAnyPolicy(0)) },
  }),
  onLeaf('not valid yet', ['NOT_YET_VALID'], { from: after(1000), to: after(DAY) }),
  onLeaf('valid from this very second', [], { from: AT, to: after(DAY) }),
  onLeaf('valid to this very second', [], { from: before(DAY), to: AT }),
  onLeaf('expired a second ago', ['EXPIRED'], { from: before(DAY), to: before(1000) }),
  onCa('expired intermediate', ['ISSUER_EXPIRED'], { from: before(2 * DAY), to: before(DAY) }),
  onCa('intermediate that is not valid yet', ['ISSUER_NOT_YET_VALID'], { from: after(DAY), to: after(2 * DAY) }),
  onRoot('expired root', ['ISSUER_EXPIRED'], { from: before(2 * DAY), to: before(DAY) }),
  onLeaf('signed by another key', ['SIGNATURE_INVALID'], { signer: keyPair() }),
  onCa('intermediate signed by another key', ['SIGNATURE_INVALID'], { signer: keyPair() }),
  signedWith('RSA of 2048 bits', [], rsa2048, ALGORITHM.rsaSha256),
  signedWith('RSA of 1024 bits', ['ALGORITHM_REFUSED'], rsa1024, ALGORITHM.rsaSha256),
  signedWith('RSA with SHA-1', ['ALGORITHM_REFUSED'], rsa2048, ALGORITHM.rsaSha1),
  signedWith('RSA PSS', [], rsa2048, ALGORITHM.rsaPss32),
  signedWith('RSA PSS with a salt that fills the key', [], rsa2048, ALGORITHM.rsaPss222),
  signedWith('RSA PSS with a short salt', ['ALGORITHM_REFUSED'], rsa2048, ALGORITHM.rsaPss16),
  signedWith('RSA with the exponent 3', [], rsa(2048, 3), ALGORITHM.rsaSha256),
  signedWith('Ed25519', [], ed25519, ALGORITHM.ed25519),
  signedWith('P-384', [], p384, ALGORITHM.ecdsaSha384),
  signedWith('P-521', [], p521, ALGORITHM.ecdsaSha512),
  signedWith('ECDSA with SHA-1', ['ALGORITHM_REFUSED'], anyKey(), ALGORITHM.ecdsaSha1),
  signedWith('secp256k1', ['ALGORITHM_REFUSED'], k256, ALGORITHM.ecdsaSha256),
  signedWith('P-256 with explicit parameters', ['ALGORITHM_REFUSED'], explicit, ALGORITHM.ecdsaSha256),
  onLeaf('leaf with RSA of 1024 bits', ['ALGORITHM_REFUSED'], { key: rsa1024 }),
  onLeaf('leaf on secp256k1', ['ALGORITHM_REFUSED'], { key: k256 }),
  onLeaf('algorithm of another kind of key', ['SIGNATURE_INVALID'], { algorithm: ALGORITHM.rsaSha256 }),
  onCa('CA of version 1', ['PROFILE_VIOLATION', 'USAGE_INVALID'], { version: 1 }),
  {
    name: 'leaf that is a CA and may only sign certificates',
    codes: ['USAGE_INVALID'],
    chain: (() => {
      const anchor = root();
      return { anchors: [anchor], leaf: ca(anchor) };
    })(),
  },
];
