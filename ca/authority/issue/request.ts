import { type Bytes, type CertificationRequest, decodeCertificationRequest, FormatError } from '@licet/format';
import { AuthorityError } from '../errors.ts';
import type { Profile } from '../profiles/profile.ts';
import { isSignedBy } from './signatures.ts';
import { cannotExist, checkSubjectKey } from './subject-key.ts';

/** An ML-DSA-65 request with its extensions takes 6 KiB; RSA of 8192 bits 3 KiB. */
export const REQUEST_MOST_BYTES = 16 * 1024;

/**
 * PKCS#10 (RFC 2986) under suspicion. Only the key is taken from it: names and rights come from whoever knows the
 * caller. What it asks for is looked at to refuse what nobody asks by accident.
 */
export function checkRequest(der: Bytes, profile: Profile): CertificationRequest {
  // Before anything is parsed: work is bounded by size.
  if (der.length > REQUEST_MOST_BYTES) {
    throw new AuthorityError(
      'CSR_TOO_LARGE',
      `The request is ${der.length} bytes long; at most ${REQUEST_MOST_BYTES} are accepted.`,
    );
  }
  const request = decode(der);
  if (profile.pathLength === undefined && asksForCa(request)) {
    throw new AuthorityError(
      'CSR_ASKS_FOR_CA',
      'The request asks for a CA certificate; ask without basicConstraints CA:TRUE.',
    );
  }
  checkSubjectKey(request.publicKey, profile);
  // RFC 2986 §3: the signature over the exact bytes of the info proves that the requester has the private key.
  if (!provesPossession(request)) {
    throw new AuthorityError(
      'CSR_SIGNATURE',
      'The request is not signed with the private key of the public key in it, or with a weak algorithm.',
    );
  }
  return request;
}

function provesPossession({ publicKey, signatureAlgorithm, info, signature }: CertificationRequest): boolean {
  try {
    return isSignedBy(publicKey, signatureAlgorithm, info, signature);
  } catch (cause) {
    throw cannotExist(cause);
  }
}

function decode(der: Bytes): CertificationRequest {
  try {
    return decodeCertificationRequest(der);
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new AuthorityError('CSR_INVALID', `The request is no PKCS#10 in DER: ${cause.message}`, { cause });
  }
}

function asksForCa({ requestedExtensions: wanted }: CertificationRequest): boolean {
  const usage = wanted?.keyUsage;
  return wanted?.basicConstraints?.ca === true || usage?.has('keyCertSign') === true || usage?.has('cRLSign') === true;
}
