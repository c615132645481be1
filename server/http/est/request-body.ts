import {
  type Bytes,
  type CertificationRequest,
  decodeCertificationRequest,
  decodePem,
  FormatError,
  fromBase64,
} from '@licet/format';
import { LicetError } from '../../licensing/errors.ts';
import { isDer } from './transfer.ts';

/** A PKCS#10 request in any of the forms that clients send: base64 in one line or many, PEM, or plain DER. */
export function readRequest(body: Bytes): CertificationRequest {
  if (body.length === 0) {
    throw new LicetError('invalid', 'CSR_MISSING', 'The body is empty; send a PKCS#10 request in base64.');
  }
  try {
    return decodeCertificationRequest(isDer(body) ? body : fromText(Buffer.from(body).toString('latin1')));
  } catch (cause) {
    if (!(cause instanceof FormatError)) throw cause;
    throw new LicetError('invalid', 'CSR_INVALID', `The body is no PKCS#10 request: ${cause.message}.`, { cause });
  }
}

function fromText(text: string): Bytes {
  if (!text.includes('-----BEGIN')) return fromBase64(text, 'lenient');
  const blocks = decodePem(text);
  // Before RFC 7468 it was called NEW CERTIFICATE REQUEST, and Microsoft's tools still do.
  const request = blocks.find(({ label }) => label.endsWith('CERTIFICATE REQUEST'));
  if (request !== undefined) return request.bytes;
  throw new FormatError('PEM_INVALID', 'pem', `holds a ${blocks[0]?.label ?? ''} and no CERTIFICATE REQUEST`);
}
