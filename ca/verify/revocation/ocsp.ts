import {
  type BasicOcspResponse,
  type Bytes,
  type Certificate,
  type HashName,
  type SingleResponse,
  OID,
  decodeCertificate,
  decodeOcspResponse,
  equalBytes,
} from '@licet/format';
import { Budget } from '../budget.ts';
import { sameName } from '../names/directory.ts';
import { readOrUndefined } from '../path/pool.ts';
import { type Task, computeDigest, runNow, runSoon } from '../signatures/check.ts';
import { type EvidenceFacts, type EvidenceResult, good, refuse, revoked, stale } from './evidence.ts';
import { type Responder, findResponder } from './ocsp-responder.ts';

export type OcspOptions = {
  /** The certificate in question, and the one that issued it. */
  readonly cert: Bytes | Certificate;
  readonly issuer: Bytes | Certificate;
  readonly at: Date;
  /** The nonce that was asked with: the response must have the same. */
  readonly nonce?: Bytes;
  /** How far the clocks of responder and verifier may be apart; five minutes when absent. */
  readonly skewSeconds?: number;
  /** How old a response without nextUpdate may be; a day when absent. */
  readonly maxAgeSeconds?: number;
  readonly allowWeakAlgorithms?: boolean;
};

/** `openssl ocsp` takes five minutes as well: a responder signs as it is asked, so its clock is compared to the second. */
const DEFAULT_SKEW = 300;
/** RFC 6960 §2.4: without nextUpdate "newer revocation information is available all the time", which must end somewhere. */
const DEFAULT_MAX_AGE = 86_400;

/** What an OCSP response says of a certificate: RFC 6960 §3.2, and nothing is taken on trust. Never throws on bad bytes. */
export function checkOcsp(response: Bytes, options: OcspOptions): Promise<EvidenceResult> {
  return runSoon(ocspTask(response, options));
}

/** The same at once, where the runtime has `node:crypto`. */
export function checkOcspSync(response: Bytes, options: OcspOptions): EvidenceResult {
  return runNow(ocspTask(response, options));
}

export function* ocspTask(response: Bytes, options: OcspOptions): Task<EvidenceResult> {
  const cert = asCertificate(options.cert);
  const issuer = asCertificate(options.issuer);
  const decoded = readOrUndefined(response, decodeOcspResponse);
  if (cert === undefined || issuer === undefined) return refuse('MALFORMED', 'the certificate or its issuer is none');
  if (decoded === undefined) return refuse('MALFORMED', 'the bytes are no OCSP response');
  const { basic, status } = decoded;
  if (basic === undefined) return refuse('STATUS_UNKNOWN', `the responder answered "${status}"`);
  if (!sameName(cert.issuer, issuer.subject))
    return refuse('STATUS_UNKNOWN', 'the issuer is not that of the certificate');

  const defect = responseDefect(basic, options.nonce);
  if (defect !== undefined) return refuse('STATUS_UNKNOWN', defect);
  const answer = yield* answerFor(cert, issuer, basic);
  if (answer === undefined) return refuse('STATUS_UNKNOWN', 'the response is about other certificates');
  const unknown = answer.extensions.find(({ critical }) => critical);
  if (unknown !== undefined) return refuse('STATUS_UNKNOWN', `the critical extension ${unknown.oid} is unknown`);

  const security = { budget: new Budget(), allowWeak: options.allowWeakAlgorithms ?? false };
  const responder = yield* findResponder(basic, issuer, options.at, security);
  if ('code' in responder) return refuse(responder.code, responder.detail);
  return conclude(basic, answer, responder, options);
}

function asCertificate(given: Bytes | Certificate): Certificate | undefined {
  return given instanceof Uint8Array ? readOrUndefined(given, decodeCertificate) : given;
}

/** RFC 6960 §4.4.1, RFC 9654 §2.1: a nonce that was asked for must come back as it was. */
function responseDefect({ extensions, nonce }: BasicOcspResponse, wanted: Bytes | undefined): string | undefined {
  const unknown = extensions.find(({ oid, critical }) => critical && oid !== OID.ocspNonce);
  if (unknown !== undefined) return `the critical extension ${unknown.oid} of the response is unknown`;
  if (wanted === undefined) return undefined;
  if (nonce === undefined) return 'the response has no nonce';
  return equalBytes(nonce, wanted) ? undefined : 'the response has another nonce';
}

const HASHES: Readonly<Record<string, HashName>> = {
  [OID.sha1]: 'sha1',
  [OID.sha256]: 'sha256',
  [OID.sha384]: 'sha384',
  [OID.sha512]: 'sha512',
};

/** §3.2 (1): the answer about this certificate; of several the one that revokes it, else the newest. */
function* answerFor(
  cert: Certificate,
  issuer: Certificate,
  basic: BasicOcspResponse,
): Task<SingleResponse | undefined> {
  let best: SingleResponse | undefined;
  for (const answer of basic.responses) {
    const { serial, hashAlgorithm, issuerNameHash, issuerKeyHash } = answer.certId;
    const hash = HASHES[hashAlgorithm.oid];
    if (hash === undefined || !equalBytes(serial, cert.serial)) continue;
    if (!equalBytes(yield* computeDigest(hash, cert.issuer.raw), issuerNameHash)) continue;
    if (!equalBytes(yield* computeDigest(hash, issuer.publicKey.key), issuerKeyHash)) continue;
    if (answer.status.kind === 'revoked') return answer;
    if (best === undefined || answer.thisUpdate > best.thisUpdate) best = answer;
  }
  return best;
}

/** §3.2 (5), (6), and what follows from the answer. */
function conclude(
  { producedAt }: BasicOcspResponse,
  { status, thisUpdate, nextUpdate }: SingleResponse,
  { delegate, noCheck }: Responder,
  options: OcspOptions,
): EvidenceResult {
  const skew = (options.skewSeconds ?? DEFAULT_SKEW) * 1000;
  const at = options.at.getTime();
  const until = nextUpdate?.getTime() ?? thisUpdate.getTime() + (options.maxAgeSeconds ?? DEFAULT_MAX_AGE) * 1000;
  const facts: EvidenceFacts = {
    thisUpdate,
    nextUpdate,
    ...(delegate === undefined ? {} : { responder: { certificate: delegate, noCheck } }),
  };
  if (nextUpdate !== undefined && nextUpdate < thisUpdate) {
    return refuse('STATUS_UNKNOWN', 'the response ends before it begins', facts);
  }
  if (!(Math.max(thisUpdate.getTime(), producedAt.getTime()) <= at + skew)) {
    return refuse('STATUS_UNKNOWN', 'the response is from the future', facts);
  }
  const isStale = !(at <= until + skew);
  if (status.kind === 'revoked' && !(isStale && status.reason === 'certificateHold')) {
    return revoked(status.revokedAt, status.reason, isStale, facts);
  }
  if (isStale) return stale('the response is out of date', facts);
  return status.kind === 'good' ? good(facts) : refuse('STATUS_UNKNOWN', 'the responder does not know it', facts);
}
