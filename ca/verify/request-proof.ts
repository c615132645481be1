import { type Bytes, type PublicKeyInfo } from '@licet/format';
import { possessionScheme } from './possession.ts';
import { runNow, type Task } from './signatures/check.ts';
import { derSignature, rawSignature } from './signatures/ecdsa-form.ts';
import { ORDER_OCTETS } from './signatures/engine.ts';
import { type KeyKind, keyKind } from './signatures/keys.ts';

/** A request to the authority that is signed by the key of a license, where no TLS handshake shows the license. */
export type SignedRequest = {
  readonly method: string;
  /** As they stand in the address; the query with its question mark, which stands alone where there is none. */
  readonly path: string;
  readonly query: string;
  /** Content-Digest of the body (RFC 9530), as it stands in the header. */
  readonly digest: string;
  /** Whose key: organization and serial of the license. */
  readonly organization: string;
  readonly serial: string;
  /** Seconds since 1970. */
  readonly created: number;
  /** Drawn for this request alone. */
  readonly nonce: string;
};

/** The one member of the header Signature-Input, RFC 9421 §4.1: what is signed, in the one form that is understood. */
export const signatureInput = (request: SignedRequest): string => `licet=${parameters(request)}`;

/**
 * The algorithm is that of the key, so there is none to be chosen. The name of the server is not in it: proxies change
 * that, and a request is good for one license of one authority whoever carries it there.
 */
function parameters({ created, nonce, organization, serial }: SignedRequest): string {
  const signed = '("@method" "@path" "@query" "content-digest")';
  return `${signed};created=${created};nonce="${nonce}";keyid="${organization}/${serial}";tag="licet"`;
}

/** The signature base, RFC 9421 §2.5. It begins as nothing else does that keys of licenses sign. */
export function requestMessage(request: SignedRequest): Uint8Array<ArrayBuffer> {
  const lines = [
    `"@method": ${request.method}`,
    `"@path": ${request.path}`,
    `"@query": ${request.query}`,
    `"content-digest": ${request.digest}`,
    `"@signature-params": ${parameters(request)}`,
  ];
  return new TextEncoder().encode(lines.join('\n'));
}

/** A signature as keys make it, for the header: RFC 9421 §3.3.4 wants that of ECDSA as two numbers of full length. */
export function requestSignature(key: PublicKeyInfo, made: Bytes): Bytes | undefined {
  const kind = keyKind(key);
  return kind?.kind === 'ec' ? rawSignature(made, ORDER_OCTETS[kind.curve]) : made;
}

/** Whether the holder of `key` has signed this request. */
export function isRequestProof(key: PublicKeyInfo, request: SignedRequest, signature: Bytes): boolean {
  return runNow(check(key, request, signature));
}

function* check(key: PublicKeyInfo, request: SignedRequest, signature: Bytes): Task<boolean> {
  const kind = keyKind(key);
  const made = kind && asMade(kind, signature);
  if (kind === undefined || made === undefined) return false;
  const job = { key, scheme: possessionScheme(kind), message: requestMessage(request), signature: made };
  return (yield job) === 'valid';
}

function asMade(kind: KeyKind, signature: Bytes): Bytes | undefined {
  if (kind.kind !== 'ec') return signature;
  return signature.length === 2 * ORDER_OCTETS[kind.curve] ? derSignature(signature) : undefined;
}
