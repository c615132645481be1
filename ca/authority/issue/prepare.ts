import { hash } from 'node:crypto';
import {
  type Bytes,
  type Claims,
  decodeCertificate,
  decodePublicKey,
  encodeCertificate,
  encodeTbsCertificate,
  type PublicKeyInfo,
} from '@licet/format';
import { AuthorityError } from '../errors.ts';
import type { Context, Intent } from '../ports/certificate-store.ts';
import type { Random } from '../ports/random.ts';
import type { KeyDescription } from '../ports/signer.ts';
import type { Profile } from '../profiles/profile.ts';
import { profileHash } from '../profiles/index.ts';
import { grantedClaims } from './claims.ts';
import type { IssuerGeneration } from './issuer-generation.ts';
import { lint } from './lint.ts';
import { checkRequest } from './request.ts';
import { newSerial, shardOf } from './serial.ts';
import { PLACEHOLDERS, SIGNATURE_ALGORITHMS } from './signatures.ts';
import { alternativeNames, type Host, type Subject, subjectName } from './subject.ts';
import { checkExists, checkSubjectKey, keyIdentifierOf } from './subject-key.ts';
import { extensionsOf } from './template.ts';
import { makeTicket, type Ticket } from './ticket.ts';
import { validityOf } from './validity.ts';

/** Whose key it is: a stranger proves possession by a CSR; of a key in our own signer we know it. */
export type KeySource = { readonly csr: Bytes } | { readonly held: Pick<KeyDescription, 'publicKey'> };

export type IssueRequest = {
  readonly profile: Profile;
  readonly issuer: IssuerGeneration;
  readonly key: KeySource;
  readonly subject: Subject;
  readonly hosts?: readonly Host[];
  readonly claims?: Claims;
  /** What was bought, where it may be less than what the issuer has. */
  readonly contract?: Claims;
  /** Not a second longer than this. */
  readonly until?: Date;
  /**
   * Who asks, and for which step, e.g. lineage and predecessor. The same key in the same CSR from the same principal is
   * the same request and gets the same certificate; a renewal with an unchanged CSR is another principal's.
   */
  readonly principal: string;
  /** Who may use this public key again. */
  readonly keyOwner: string;
  readonly context: Context;
};

/**
 * Everything that can be known before a key is touched: the request is sound, the claims are within bounds, the
 * certificate is built and linted by its bytes. What comes out is worth exactly one signature. Writes nothing.
 */
export function prepare(request: IssueRequest, { now, random }: { now: Date; random: Random }): Ticket {
  const { profile, issuer, subject } = request;
  checkIssuer(profile, issuer);
  const { publicKey, digest } = provenKey(request.key, profile);
  const claims = grantedClaims(profile, request, issuer);
  const { notBefore, notAfter } = validityOf(profile, issuer, { now, until: request.until, claims });
  const name = subjectName(profile, subject, issuer);
  const names = alternativeNames(profile, subject, request.hosts ?? []);
  const serial = newSerial(random);
  const crlShard = shardOf(serial, issuer.addresses?.crls.length ?? 1);
  const algorithm = { raw: SIGNATURE_ALGORITHMS[issuer.algorithm] };
  const tbs = encodeTbsCertificate({
    serial,
    signatureAlgorithm: algorithm,
    issuer: issuer.name ?? name,
    notBefore,
    notAfter,
    subject: name,
    publicKey,
    extensions: extensionsOf(profile, issuer, {
      subject,
      subjectKeyIdentifier: keyIdentifierOf(publicKey),
      alternativeNames: names,
      claims,
      shard: crlShard,
    }),
  });
  const preview = decodeCertificate(encodeCertificate(tbs, algorithm, PLACEHOLDERS[issuer.algorithm]));
  lint(preview, { profile, issuer, subject, alternativeNames: names, claims });
  const intent: Intent = {
    issuer: issuer.key,
    serial,
    request: requestHash(request.principal, digest),
    csr: digest,
    publicKey: hash('sha256', publicKey.raw, 'buffer'),
    keyOwner: request.keyOwner,
    tbs,
    profile: profile.name,
    profileHash: hashOf(profile),
    claims,
    organization: subject.organization,
    enterprise: subject.enterprise,
    notBefore,
    notAfter,
    crlShard,
    context: request.context,
    at: now,
  };
  return makeTicket(intent, issuer, preview);
}

function checkIssuer(profile: Profile, issuer: IssuerGeneration): void {
  const isOwnRoot = issuer.certificate === undefined;
  if (!profile.issuers.includes(issuer.purpose) || isOwnRoot !== (profile.name === 'root')) {
    throw new AuthorityError(
      'ISSUER_NOT_VALID',
      `A key for "${issuer.purpose}" does not sign "${profile.name}" certificates.`,
    );
  }
  if (issuer.addresses?.crls.length === 0) {
    throw new AuthorityError('ISSUER_NOT_VALID', `The key ${issuer.key} has no CRL, so it signs no certificates.`);
  }
}

function provenKey(key: KeySource, profile: Profile): { publicKey: PublicKeyInfo; digest: Bytes } {
  if ('csr' in key) {
    const { publicKey } = checkRequest(key.csr, profile);
    return { publicKey, digest: hash('sha256', key.csr, 'buffer') };
  }
  const publicKey = decodePublicKey(key.held.publicKey);
  checkSubjectKey(publicKey, profile);
  checkExists(publicKey);
  return { publicKey, digest: hash('sha256', publicKey.raw, 'buffer') };
}

/** The length goes in front, so that no principal and CSR look like another pair. */
function requestHash(principal: string, digest: Bytes): Bytes {
  return hash('sha256', Buffer.concat([Buffer.from(`${Buffer.byteLength(principal)}:${principal}`), digest]), 'buffer');
}

const hashes = new WeakMap<Profile, Uint8Array>();

function hashOf(profile: Profile): Uint8Array {
  let known = hashes.get(profile);
  if (known === undefined) hashes.set(profile, (known = profileHash(profile)));
  return known;
}
