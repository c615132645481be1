import { FormatError } from '@licet/format';
import type { KeyPurpose, SignatureKind, SignRequest } from '../../ports/signer.ts';
import { refuse, type BoundKey } from './bound-key.ts';
import { checkCertificate } from './certificate.ts';
import { checkCrl } from './crl.ts';
import { checkManifest } from './manifest.ts';
import { checkOcsp } from './ocsp.ts';
import { checkRequest } from './request.ts';
import { checkToken } from './token.ts';

const AUTHORITIES: readonly KeyPurpose[] = ['root', 'organization', 'enterprise', 'service'];

/** Which keys may be asked for each kind of signature at all. What is not listed is refused. */
const PURPOSES: Readonly<Record<SignatureKind, readonly KeyPurpose[]>> = {
  certificate: AUTHORITIES,
  crl: AUTHORITIES,
  ocsp: ['ocsp'],
  manifest: ['manifest'],
  token: ['token'],
  request: [...AUTHORITIES, 'ocsp', 'manifest', 'tls'],
};

/**
 * Default deny: throws SIGNER_REFUSED unless the key's purpose and tenant allow exactly what the bytes are. The kinds
 * exclude each other by their first elements, so no bytes can be signed as one kind and used as another.
 */
export function checkRequestAgainstKey(key: BoundKey, request: SignRequest, now: Date): void {
  if (key.description.retiredAt !== undefined) refuse(key, 'it was retired');
  // `kind` may have come over a wire: what the table does not know is refused here.
  const purposes = Object.hasOwn(PURPOSES, request.kind) ? PURPOSES[request.kind] : [];
  if (!purposes.includes(key.description.purpose)) {
    refuse(key, `its purpose does not cover the signature of a ${request.kind}`);
  }
  try {
    checkBytes(key, request, now);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    refuse(key, `the bytes are no ${request.kind} that it understands (${error.message})`, { cause: error });
  }
}

function checkBytes(key: BoundKey, { kind, bytes }: SignRequest, now: Date): void {
  switch (kind) {
    case 'certificate':
      return checkCertificate(key, bytes, now);
    case 'request':
      return checkRequest(key, bytes);
    case 'crl':
      return checkCrl(key, bytes);
    case 'ocsp':
      return checkOcsp(key, bytes);
    case 'manifest':
      return checkManifest(key, bytes);
    case 'token':
      return checkToken(key, bytes);
    default:
      return refuse(key, `nobody knows what a ${String(kind satisfies never)} is`);
  }
}
