import { hash } from 'node:crypto';
import { type Bytes, type Certificate, type CertId, decodeCertificate, equalBytes, OID, toHex } from '@licet/format';
import type { IssuerGeneration } from '../../issue/issuer-generation.ts';
import type { KeyDescription } from '../../ports/signer.ts';

/** Who answers for one generation of an authority: a delegate with a key of its own (RFC 6960 §4.2.2.2). */
export type Identity = {
  /** The key id of the issuer whose certificates it speaks of. */
  readonly issuer: string;
  readonly key: KeyDescription;
  readonly certificate: Certificate;
  /** RFC 6960 §4.2.1: SHA-1 over the bits of the responder's key. Shorter than its name. */
  readonly keyHash: Bytes;
};

/** Hashes that clients name issuers by: SHA-1 is what all of them default to, SHA-256 what they should (RFC 9919 §3.1.1). */
const HASHES: readonly (readonly [oid: string, name: string])[] = [
  [OID.sha1, 'sha1'],
  [OID.sha256, 'sha256'],
];

/** Responders by the hashes that a CertID names their issuer with. */
export type Identities = ReadonlyMap<string, Identity>;

export function identitiesOf(
  keys: readonly KeyDescription[],
  generations: readonly IssuerGeneration[],
  at: Date,
): Identities {
  const responders = respondersOf(keys);
  const identities = new Map<string, Identity>();
  for (const generation of generations) {
    const best = bestFor(generation, responders, at);
    if (best === undefined) continue;
    const { subject, publicKey } = generation.certificate!;
    const keyHash = hash('sha1', best.certificate.publicKey.key, 'buffer');
    for (const [oid, name] of HASHES) {
      const id = idOf(oid, hash(name, subject.raw, 'buffer'), hash(name, publicKey.key, 'buffer'));
      identities.set(id, { issuer: generation.key, ...best, keyHash });
    }
  }
  return identities;
}

export function identityFor(identities: Identities, certId: CertId): Identity | undefined {
  return identities.get(idOf(certId.hashAlgorithm.oid, certId.issuerNameHash, certId.issuerKeyHash));
}

/** Whether one of these CAs has no responder that is valid now, and could have one. */
export function lacksResponder(generations: readonly IssuerGeneration[], identities: Identities, now: Date): boolean {
  const served = new Set<string>();
  for (const { issuer, certificate } of identities.values()) {
    if (certificate.notBefore <= now && now <= certificate.notAfter) served.add(issuer);
  }
  return generations.some(
    ({ key, certificate, addresses }) =>
      addresses?.ocsp !== undefined && certificate !== undefined && now <= certificate.notAfter && !served.has(key),
  );
}

const idOf = (oid: string, name: Bytes, key: Bytes): string => `${oid} ${latin1(name)}${latin1(key)}`;

const latin1 = (bytes: Bytes): string => Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('latin1');

export type ResponderKey = { readonly key: KeyDescription; readonly certificate: Certificate };

/** By the key identifier of their issuer: of thousands of CAs each finds its own. */
export type Responders = ReadonlyMap<string, readonly ResponderKey[]>;

export function respondersOf(keys: readonly KeyDescription[]): Responders {
  const all = keys.flatMap((key) =>
    key.purpose === 'ocsp' && key.retiredAt === undefined && key.certificate !== undefined
      ? [{ key, certificate: decodeCertificate(key.certificate) }]
      : [],
  );
  return Map.groupBy(all, ({ certificate }) =>
    toHex(certificate.extensions.authorityKeyIdentifier?.keyIdentifier ?? new Uint8Array()),
  );
}

/** The one that lasts longest of those that are valid now. */
export function bestFor(
  { certificate: issuer, keyIdentifier }: IssuerGeneration,
  responders: Responders,
  at: Date,
): ResponderKey | undefined {
  return (responders.get(toHex(keyIdentifier)) ?? [])
    .filter(({ certificate: { issuer: name, notBefore, notAfter } }) => {
      return equalBytes(name.raw, issuer!.subject.raw) && notBefore <= at && at <= notAfter;
    })
    .toSorted((a, b) => b.certificate.notAfter.getTime() - a.certificate.notAfter.getTime())[0];
}
