import type { IncomingMessage } from 'node:http';
import { type Bytes, fromBase64 } from '@licet/format';
import type { Signed } from '../../licensing/access/authenticate-license.ts';
import { HttpError } from '../../problem.ts';
import { contentDigest } from '../body.ts';

/** RFC 9421, in the one form that we speak: a profile of one label, four parts, and parameters in one order. */
const INPUT =
  /^licet=\("@method" "@path" "@query" "content-digest"\);created=(\d{1,12});nonce="([\w-]{22,64})";keyid="([a-z0-9-]{1,63})\/((?:[0-9a-f]{2}){1,20})";tag="licet"$/;
const SIGNATURE = /^licet=:([A-Za-z0-9+/]{1,8192}={0,2}):$/;

/** Who signs requests for somebody else has labels of his own: they are not our business. */
export function isSigned({ headers }: IncomingMessage): boolean {
  return /(^|,)\s*licet=/.test(textOf(headers['signature-input']));
}

/** What the license of a site has signed; the body is held to its digest when it is read. */
export function signedRequest(request: IncomingMessage & { readonly originalUrl: string }): Signed {
  const { headers, method = '', originalUrl } = request;
  const [, created, nonce, organization, serial] = INPUT.exec(textOf(headers['signature-input'])) ?? [];
  const signature = signatureIn(textOf(headers['signature']));
  const digest = headers['content-digest'];
  const isWhole = [created, nonce, organization, serial].every((part) => part !== undefined);
  if (!isWhole || signature === undefined || typeof digest !== 'string' || contentDigest(digest) === undefined) {
    const message =
      'Signature-Input, Signature and Content-Digest are not in the form that is understood; docs/agent.md shows it.';
    throw new HttpError(400, 'PROOF_MALFORMED', message);
  }
  const question = originalUrl.indexOf('?');
  const [path, query] =
    question === -1 ? [originalUrl, '?'] : [originalUrl.slice(0, question), originalUrl.slice(question)];
  const who = { organization: organization!, serial: serial! };
  return { request: { method, path, query, digest, created: Number(created), nonce: nonce!, ...who }, signature };
}

const textOf = (header: string | readonly string[] | undefined): string =>
  typeof header === 'string' ? header : (header ?? []).join(', ');

function signatureIn(header: string): Bytes | undefined {
  const [, text] = SIGNATURE.exec(header) ?? [];
  if (text === undefined || text.length % 4 !== 0) return undefined;
  return fromBase64(text);
}
