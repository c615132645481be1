import { hash } from 'node:crypto';
import { type CertificationRequest, decodeCertificationRequest, FormatError } from '@licet/format';
import { LicetError } from './errors.ts';

/** A PKCS#10 request (DER) that came from outside. */
export function readCsr(csr: Uint8Array): CertificationRequest {
  try {
    return decodeCertificationRequest(Uint8Array.from(csr));
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    const message = `The request cannot be read: ${cause.message}`;
    throw new LicetError('invalid', 'CSR_INVALID', message, { pointer: '/csr', cause });
  }
}

/** SHA-256 of the public key in it, as licenses are known by. */
export const keyIn = (csr: Uint8Array): Uint8Array => hash('sha256', readCsr(csr).publicKey.raw, 'buffer');
