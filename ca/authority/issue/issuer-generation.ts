import {
  type Bytes,
  type Certificate,
  type Claims,
  decodeClaims,
  decodePublicKey,
  meet,
  type Name,
  OID,
  toHex,
} from '@licet/format';
import { AuthorityError } from '../errors.ts';
import type { KeyAlgorithm, KeyDescription, KeyPurpose } from '../ports/signer.ts';
import { keyIdentifierOf } from './subject-key.ts';

/** Where the certificates of one key find their issuer and whether they are revoked. */
export type Addresses = {
  /** The issuer's certificate, DER (RFC 5280 §4.2.2.1). */
  readonly caIssuers: string;
  /** None: nobody answers for this issuer. */
  readonly ocsp: string | undefined;
  /**
   * The CRL of each shard, byte for byte as it stands in the certificates and in the CRL's own distribution point. None:
   * the key is elsewhere, and where it publishes is known there.
   */
  readonly crls: readonly string[];
};

/** Everything has the key in its address, so that a new key of the same CA leaves the addresses of the old one alone. */
export function addressesOf(base: string, keyIdentifier: Bytes, shards: number): Addresses {
  const generation = toHex(keyIdentifier);
  return {
    caIssuers: `${base}/ca/${generation}.cer`,
    ocsp: `${base}/ocsp`,
    crls: Array.from({ length: shards }, (_, shard) => `${base}/crl/${generation}/${shard}.crl`),
  };
}

type Fields = {
  readonly key: string;
  readonly purpose: KeyPurpose;
  readonly algorithm: KeyAlgorithm;
  readonly organization: string;
  readonly enterprise: string | undefined;
  /** `undefined`: a root that has no certificate yet and is about to make its own. */
  readonly chain: readonly [Certificate, ...Certificate[]] | undefined;
  readonly addresses: Addresses | undefined;
};

/**
 * One key of an authority with its certificate: what a certificate takes from its issuer. A rollover is a second
 * generation beside the first; certificates belong to the one that signed them for all their life.
 */
export class IssuerGeneration {
  readonly key: string;
  readonly purpose: KeyPurpose;
  readonly algorithm: KeyAlgorithm;
  readonly organization: string;
  readonly enterprise: string | undefined;
  readonly chain: readonly Certificate[];
  readonly name: Name | undefined;
  readonly keyIdentifier: Bytes;
  readonly addresses: Addresses | undefined;
  /** What the chain is worth: the meet of all claims in it. `undefined`: nothing above speaks of claims. */
  readonly claims: Claims | undefined;
  // Makes the type nominal: nothing else passes for a generation that was opened here.
  readonly #opened = true;

  private constructor(fields: Fields, keyIdentifier: Bytes) {
    this.key = fields.key;
    this.purpose = fields.purpose;
    this.algorithm = fields.algorithm;
    this.organization = fields.organization;
    this.enterprise = fields.enterprise;
    this.chain = fields.chain ?? [];
    this.name = fields.chain?.[0].subject;
    this.keyIdentifier = keyIdentifier;
    this.addresses = fields.addresses;
    this.claims = chainClaims(this.chain);
  }

  /**
   * `chain` starts with the CA's own certificate and ends with the root. That the chain holds is for every single
   * certificate to prove anew (`prove.ts`); here only what could never work is refused.
   */
  static open(
    key: KeyDescription,
    chain: readonly [Certificate, ...Certificate[]],
    addresses: Addresses,
  ): IssuerGeneration {
    const [certificate] = chain;
    const refuse = (why: string) => new AuthorityError('ISSUER_NOT_VALID', `The certificate of key ${key.id} ${why}.`);
    if (Buffer.compare(certificate.publicKey.raw, key.publicKey) !== 0) throw refuse('is for another key');
    if (certificate.extensions.basicConstraints?.ca !== true) throw refuse('is not that of a CA');
    if (certificate.extensions.subjectKeyIdentifier === undefined) throw refuse('has no subject key identifier');
    const { id, purpose, algorithm, organization, enterprise } = key;
    return new IssuerGeneration(
      { key: id, purpose, algorithm, organization, enterprise, chain, addresses },
      certificate.extensions.subjectKeyIdentifier,
    );
  }

  /** A root key before its own certificate. */
  static rootToBe(key: KeyDescription): IssuerGeneration {
    const { id, purpose, algorithm, organization } = key;
    return new IssuerGeneration(
      { key: id, purpose, algorithm, organization, enterprise: undefined, chain: undefined, addresses: undefined },
      keyIdentifierOf(decodePublicKey(key.publicKey)),
    );
  }

  get certificate(): Certificate | undefined {
    return this.chain[0];
  }

  get opened(): boolean {
    return this.#opened;
  }
}

function chainClaims(chain: readonly Certificate[]): Claims | undefined {
  let claims: Claims | undefined;
  for (const { extensions } of chain.toReversed()) {
    const found = extensions.all.find(({ oid }) => oid === OID.licenseClaims);
    if (found === undefined) continue;
    const own = decodeClaims(found.value);
    claims = claims === undefined ? own : meet(claims, own);
  }
  return claims;
}
