import { createHash, randomBytes } from 'node:crypto';
import { OID, toHex } from '@licet/format';
import { requestMessage, requestSignature, signatureInput } from '@licet/verify';
import { readLicense } from './chain.ts';
import { AgentError } from './errors.ts';
import type { Generation } from './site-folder.ts';
import type { Site } from './site.ts';

const NONCE_BYTES = 16;

type ToSign = { readonly method: string; readonly url: string; readonly body: string };

/**
 * The headers that show who a request is from: signed by the key of the license (RFC 9421), wherever that lies, for this
 * server to take once and within minutes. A request that is sent again is signed again.
 */
export async function signedHeaders(
  { keys }: Pick<Site, 'keys'>,
  current: Generation,
  { method, url, body }: ToSign,
  now: Date,
): Promise<Record<string, string>> {
  const { subject, serial, publicKey } = readLicense(current.license).leaf;
  const { pathname: path, search } = new URL(url);
  const digest = `sha-256=:${createHash('sha256').update(body).digest('base64')}:`;
  const request = {
    method,
    path,
    query: search === '' ? '?' : search,
    digest,
    organization: subject.rdns.flat().find(({ oid }) => oid === OID.organizationName)?.value ?? '',
    serial: toHex(serial),
    created: Math.floor(now.getTime() / 1000),
    nonce: randomBytes(NONCE_BYTES).toString('base64url'),
  };
  const made = new Uint8Array(await (await keys.open(current.key)).sign(requestMessage(request)));
  const signature = requestSignature(publicKey, made);
  if (signature === undefined) throw new AgentError('KEY_UNAVAILABLE', 'The token has answered with no signature.');
  return {
    'Content-Digest': digest,
    'Signature-Input': signatureInput(request),
    Signature: `licet=:${Buffer.from(signature).toString('base64')}:`,
  };
}
