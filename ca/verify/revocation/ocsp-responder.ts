import { type BasicOcspResponse, type Certificate, OID, decodeCertificate, equalBytes } from '@licet/format';
import type { Budget } from '../budget.ts';
import type { Code } from '../codes.ts';
import { sameName } from '../names/directory.ts';
import { readOrUndefined } from '../path/pool.ts';
import { profileDefects } from '../path/profile.ts';
import { leafUsageDefect } from '../path/usage.ts';
import { type Task, checkSignature, computeDigest, signedPart } from '../signatures/check.ts';

type Security = { readonly budget: Budget; readonly allowWeak: boolean };

/** Who signed a response: a delegate of the issuer, or the issuer itself. */
export type Responder = { readonly delegate: Certificate | undefined; readonly noCheck: boolean };

type Refusal = { readonly code: Code; readonly detail: string };

/** A response carries one responder certificate, or two in a change of keys; each costs two signatures. */
const MOST_DELEGATES = 8;

/**
 * RFC 6960 §3.2 (2) to (4), §4.2.2.2: the response is signed by the issuer of the certificate, or by one to whom that
 * very issuer has given a certificate for it. "Trusted" responders of a local configuration do not exist here.
 */
export function* findResponder(
  basic: BasicOcspResponse,
  issuer: Certificate,
  at: Date,
  security: Security,
): Task<Responder | Refusal> {
  let refusal: Refusal = { code: 'STATUS_UNKNOWN', detail: 'the responder is neither the issuer nor its delegate' };
  if (yield* isResponder(issuer, basic)) {
    const verdict = yield* checkSignature(signedPart(basic), issuer.publicKey, security);
    if (verdict === 'valid') return { delegate: undefined, noCheck: false };
    refusal = { code: verdict, detail: 'the issuer has not signed the response' };
  }
  for (const der of basic.certificates.slice(0, MOST_DELEGATES)) {
    const delegate = readOrUndefined(der, decodeCertificate);
    if (delegate === undefined || !(yield* isResponder(delegate, basic))) continue;
    const defect = delegateDefect(delegate, issuer, [basic.producedAt, at]);
    if (defect !== undefined) {
      refusal = { code: 'USAGE_INVALID', detail: defect };
      continue;
    }
    const issued = yield* checkSignature(signedPart(delegate), issuer.publicKey, security);
    const signed = issued === 'valid' ? yield* checkSignature(signedPart(basic), delegate.publicKey, security) : issued;
    if (signed === 'valid') return { delegate, noCheck: delegate.extensions.ocspNoCheck === true };
    refusal = { code: signed, detail: 'the delegate has not signed the response, or is none' };
  }
  return refusal;
}

/** §4.2.1: by name, or by the SHA-1 of the key, which identifies and does not authenticate. */
function* isResponder({ subject, publicKey }: Certificate, { responder }: BasicOcspResponse): Task<boolean> {
  if ('byName' in responder) return sameName(subject, responder.byName);
  return equalBytes(yield* computeDigest('sha1', publicKey.key), responder.byKey);
}

/** §4.2.2.2: what a delegate's certificate must say. */
function delegateDefect(delegate: Certificate, issuer: Certificate, times: readonly Date[]): string | undefined {
  if (!sameName(delegate.issuer, issuer.subject)) return 'the responder has its certificate from someone else';
  const usage = leafUsageDefect(delegate, OID.ocspSigning);
  if (usage !== undefined) return `the responder must not sign responses: ${usage}`;
  if (!times.every((time) => time >= delegate.notBefore && time <= delegate.notAfter)) {
    return 'the certificate of the responder is not valid at the time';
  }
  return profileDefects(delegate, 'leaf')[0]?.detail;
}
