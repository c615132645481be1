import { hash } from 'node:crypto';
import {
  type Certificate,
  createAlgorithm,
  decodeCertificate,
  decodeOcspResponse,
  decodePem,
  encodeCertId,
  encodeOcspRequest,
  OID,
} from '@licet/format';
import type { House } from './house.ts';

/** What anybody can read about a license over plain HTTP: its status by OCSP, and the CRL of its authority. */
export class StatusReader {
  readonly #base: string;
  readonly #request: Uint8Array;
  readonly #crl: string;

  /** `pem`: a license with its chain. */
  constructor({ options }: House, pem: string) {
    this.#base = `http://127.0.0.1:${options.ports.plain}`;
    const [leaf, issuer] = decodePem(pem, 'CERTIFICATE').map(({ bytes }) => decodeCertificate(bytes));
    this.#request = requestFor(leaf!, issuer!);
    this.#crl = new URL(crlOf(leaf!)).pathname;
  }

  /** `good`, `revoked`, `unknown`, or why there is none: `tryLater`, `503`, `no answer`. */
  async ocsp(): Promise<string> {
    const headers = { 'Content-Type': 'application/ocsp-request' };
    const body = await this.#read('/ocsp', { method: 'POST', headers, body: Buffer.from(this.#request) });
    if (typeof body === 'string') return body;
    const response = decodeOcspResponse(body);
    return response.basic?.responses[0]?.status.kind ?? response.status;
  }

  async crlIsServed(): Promise<boolean> {
    const body = await this.#read(this.#crl, {});
    return typeof body !== 'string' && body.length > 0;
  }

  async #read(path: string, init: RequestInit): Promise<Uint8Array | string> {
    try {
      const answer = await fetch(this.#base + path, { ...init, signal: AbortSignal.timeout(5000) });
      const body = new Uint8Array(await answer.arrayBuffer());
      return answer.status === 200 ? body : String(answer.status);
    } catch {
      return 'no answer';
    }
  }
}

function requestFor({ serial }: Certificate, { subject, publicKey }: Certificate): Uint8Array {
  const raw = encodeCertId({
    hashAlgorithm: createAlgorithm(OID.sha1, 'null'),
    issuerNameHash: hash('sha1', subject.raw, 'buffer'),
    issuerKeyHash: hash('sha1', publicKey.key, 'buffer'),
    serial,
  });
  return encodeOcspRequest({ requests: [{ raw }] });
}

function crlOf({ extensions }: Certificate): string {
  const point = extensions.crlDistributionPoints?.[0]?.point;
  const name = point?.kind === 'full' ? point.names[0] : undefined;
  if (name?.kind !== 'uri') throw new Error('The license names no CRL.');
  return name.value;
}
