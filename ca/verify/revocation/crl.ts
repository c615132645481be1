import {
  type Bytes,
  type Certificate,
  type CertificateList,
  type CrlEntry,
  decodeCertificate,
  decodeCertificateList,
  equalBytes,
} from '@licet/format';
import { Budget } from '../budget.ts';
import { sameName } from '../names/directory.ts';
import { readOrUndefined } from '../path/pool.ts';
import { type Task, checkSignature, runNow, runSoon, signedPart } from '../signatures/check.ts';
import { belongsTo, isDelta } from './crl-delta.ts';
import { entryFor } from './crl-entry.ts';
import { ALL_REASONS, impliedPoint, reasonsCovered } from './crl-scope.ts';
import { usability } from './crl-usable.ts';
import { type EvidenceFacts, type EvidenceResult, good, refuse, revoked, stale } from './evidence.ts';

export type CrlOptions = {
  /** The certificate in question, and the one that issued it, which also signs the CRL. */
  readonly cert: Bytes | Certificate;
  readonly issuer: Bytes | Certificate;
  readonly at: Date;
  /** Delta CRLs, in any order. */
  readonly deltas?: readonly Bytes[];
  /** The highest number seen of this list: an older one, however well signed, hides what was revoked since. */
  readonly highestNumber?: bigint;
  readonly allowWeakAlgorithms?: boolean;
};

/** One is in use at a time, two while they change. Each costs a signature. */
const MOST_DELTAS = 16;

/**
 * What one CRL of its issuer says of a certificate: RFC 5280 §6.3.3. CRLs of others (indirect ones, other keys of the
 * issuer) need a path of their own: give them to `verifyPath`. Never throws on bad bytes.
 */
export function checkCrl(crl: Bytes | CertificateList, options: CrlOptions): Promise<EvidenceResult> {
  return runSoon(crlTask(crl, options));
}

/** The same at once, where the runtime has `node:crypto`. */
export function checkCrlSync(crl: Bytes | CertificateList, options: CrlOptions): EvidenceResult {
  return runNow(crlTask(crl, options));
}

export function* crlTask(given: Bytes | CertificateList, options: CrlOptions): Task<EvidenceResult> {
  const crl = given instanceof Uint8Array ? readOrUndefined(given, decodeCertificateList) : given;
  const cert = asCertificate(options.cert);
  const issuer = asCertificate(options.issuer);
  if (crl === undefined) return refuse('MALFORMED', 'the bytes are no CRL');
  if (cert === undefined || issuer === undefined) return refuse('MALFORMED', 'the certificate or its issuer is none');
  const facts = factsOf(crl);
  if (!sameName(cert.issuer, issuer.subject)) {
    return refuse('STATUS_UNKNOWN', 'the issuer is not that of the certificate', facts);
  }

  const usable = usability(crl, options.at.getTime());
  if (usable.kind === 'unusable') return refuse('STATUS_UNKNOWN', usable.detail, facts);
  const defect = scopeDefect(crl, cert);
  if (defect !== undefined) return refuse('STATUS_UNKNOWN', defect, facts);
  const signer = signerDefect(crl, issuer);
  if (signer !== undefined) return refuse('USAGE_INVALID', signer, facts);
  const security = { budget: new Budget(), allowWeak: options.allowWeakAlgorithms ?? false };
  const verdict = yield* checkSignature(signedPart(crl), issuer.publicKey, security);
  if (verdict !== 'valid') return refuse(verdict, 'the issuer has not signed the CRL', facts);
  const { highestNumber } = options;
  if (highestNumber !== undefined && (crl.extensions.crlNumber ?? 0n) < highestNumber) {
    return refuse('STATUS_ROLLED_BACK', `the CRL is older than number ${highestNumber}`, facts);
  }

  const entry = yield* latestEntry(cert, crl, issuer, options, security);
  const isStale = usable.kind === 'stale';
  if (entry !== undefined && entry.reason !== 'removeFromCRL' && !(isStale && entry.reason === 'certificateHold')) {
    return revoked(entry.revokedAt, entry.reason, isStale, facts);
  }
  return isStale ? stale('the CRL is out of date', facts) : good(facts);
}

function asCertificate(given: Bytes | Certificate): Certificate | undefined {
  return given instanceof Uint8Array ? readOrUndefined(given, decodeCertificate) : given;
}

function factsOf({ thisUpdate, nextUpdate, extensions: { crlNumber } }: CertificateList): EvidenceFacts {
  return { thisUpdate, nextUpdate, ...(crlNumber === undefined ? {} : { number: crlNumber }) };
}

/** Whether the CRL speaks of this certificate at one of its distribution points, for every reason. */
function scopeDefect(crl: CertificateList, cert: Certificate): string | undefined {
  if (isDelta(crl)) return 'a delta CRL says nothing by itself';
  const points = [...(cert.extensions.crlDistributionPoints ?? []), impliedPoint(cert)];
  const covered = new Set(points.flatMap((point) => [...(reasonsCovered(crl, cert, point) ?? [])]));
  if (covered.size === 0) return 'the CRL is about other certificates';
  return [...ALL_REASONS].every((reason) => covered.has(reason)) ? undefined : 'the CRL does not cover every reason';
}

function signerDefect(crl: CertificateList, { subject, extensions }: Certificate): string | undefined {
  const { keyUsage, subjectKeyIdentifier } = extensions;
  if (!sameName(subject, crl.issuer)) return 'the CRL is of another issuer';
  if (keyUsage !== undefined && !keyUsage.has('cRLSign')) return '6.3.3 (f): the issuer must not sign CRLs';
  const wanted = crl.extensions.authorityKeyIdentifier?.keyIdentifier;
  const same = wanted === undefined || subjectKeyIdentifier === undefined || equalBytes(wanted, subjectKeyIdentifier);
  return same ? undefined : 'the CRL names another key of the issuer';
}

function* latestEntry(
  cert: Certificate,
  crl: CertificateList,
  issuer: Certificate,
  { deltas = [], at }: CrlOptions,
  security: { readonly budget: Budget; readonly allowWeak: boolean },
): Task<CrlEntry | undefined> {
  let entry = entryFor(cert, crl);
  const own = deltas
    .slice(0, MOST_DELTAS)
    .map((der) => readOrUndefined(der, decodeCertificateList))
    .filter((delta) => delta !== undefined)
    .filter((delta) => belongsTo(delta, crl) && usability(delta, at.getTime()).kind === 'usable')
    .sort((a, b) => a.thisUpdate.getTime() - b.thisUpdate.getTime());
  for (const delta of own) {
    const verdict = yield* checkSignature(signedPart(delta), issuer.publicKey, security);
    if (verdict === 'valid') entry = entryFor(cert, delta) ?? entry;
  }
  return entry;
}
