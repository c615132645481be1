import { type Bytes, type Certificate, type CertificateList, OID, type RevocationReason, toHex } from '@licet/format';
import { BudgetExceeded } from './budget.ts';
import type { HighWater } from './high-water.ts';
import type { LicensePath } from './license-path.ts';
import type { Context } from './path/context.ts';
import { impliedPoint, reasonsCovered } from './revocation/crl-scope.ts';
import { crlStatus } from './revocation/crl-status.ts';
import { ocspTask } from './revocation/ocsp.ts';
import type { Task } from './signatures/check.ts';
import { sha256 } from './sha256.ts';
import type { Findings } from './verdict.ts';

/** What was learnt of revocation, beside the findings. */
export type StatusReport = {
  /** The newest proof that the license was good at that time. */
  readonly proof: { readonly kind: 'ocsp' | 'crl'; readonly at: Date; readonly until: Date | undefined } | undefined;
  /** Signed times that were seen. */
  readonly times: readonly Date[];
  readonly crlNumbers: Readonly<Record<string, string>>;
};

/** Each costs up to three signatures for each certificate of the path. */
const MOST_OCSP = 16;

type Proof = NonNullable<StatusReport['proof']>;
type Learnt = {
  readonly revoked?: RevocationReason | 'unspecified';
  readonly doubt?: { readonly stale: boolean; readonly detail: string };
  readonly proofs: Proof[];
};

/**
 * Whether the license or a CA above it was taken back. What cannot be found out is a doubt and no refusal: how long a
 * license may go without evidence is said by its claim `contact`.
 */
export function* checkStatus(
  { certificates, anchor }: LicensePath,
  ocsp: readonly Bytes[],
  mark: HighWater,
  context: Context,
  findings: Findings,
): Task<StatusReport> {
  const lists = [...context.pool.crls.values()].flat();
  const given = lists.length + context.pool.unreadable.crls + ocsp.length > 0;
  if (!given) findings.doubt('STATUS_UNKNOWN', 'No evidence was handed in, so revocation was not looked at.', 'info');
  const old = lists.filter((crl) => isRolledBack(crl, mark));
  const proofs: Proof[] = [];
  const times: Date[] = [];
  const steps = given ? certificates.length - 1 : 0;
  for (let at = 0; at < steps; at += 1) {
    const target = { certificate: certificates[at]!, issuer: certificates[at + 1]!, anchor };
    const fromLists = yield* askLists(target, old, context);
    const fromOcsp = yield* askOcsp(target, ocsp, context);
    report(at, [fromOcsp, fromLists], findings);
    times.push(...[...fromLists.proofs, ...fromOcsp.proofs].map((proof) => proof.at));
    if (at === 0) proofs.push(...fromLists.proofs, ...fromOcsp.proofs);
  }
  if (old.length > 0) findings.doubt('STATUS_ROLLED_BACK', 'A CRL is older than one that was already seen.');
  const proof = proofs.sort((a, b) => b.at.getTime() - a.at.getTime())[0];
  return { proof, times, crlNumbers: numbersOf(lists.filter((crl) => wasVerified(crl, context))) };
}

type Target = {
  readonly certificate: Certificate;
  readonly issuer: Certificate;
  readonly anchor: LicensePath['anchor'];
};

function* askLists(target: Target, old: readonly CertificateList[], context: Context): Task<Learnt> {
  if (context.pool.crls.size === 0) return { proofs: [] };
  try {
    const status = yield* crlStatus(target, context);
    if (status.kind === 'revoked') return { revoked: status.reason ?? 'unspecified', proofs: [] };
    const proofs = proofsOf(target.certificate, old, context);
    if (status.kind === 'unknown') return { doubt: status, proofs };
    return proofs.length > 0 ? { proofs } : { doubt: { stale: true, detail: 'newer lists were seen before' }, proofs };
  } catch (error) {
    if (!(error instanceof BudgetExceeded)) throw error;
    return { doubt: { stale: false, detail: error.message }, proofs: [] };
  }
}

/** A list speaks for its time when its signature was verified, it is about the certificate, and none newer was seen. */
function proofsOf(certificate: Certificate, old: readonly CertificateList[], context: Context): Proof[] {
  const point = [...(certificate.extensions.crlDistributionPoints ?? []), impliedPoint(certificate)];
  const relevant = [...context.pool.crls.values()]
    .flat()
    .filter((crl) => wasVerified(crl, context) && !old.includes(crl) && crl.thisUpdate.getTime() <= context.at)
    // A hold in a list that is out of date has perhaps ended; it is no proof of anything good.
    .filter((crl) => crl.find(certificate.serial) === undefined)
    .filter((crl) => point.some((where) => reasonsCovered(crl, certificate, where) !== undefined));
  return relevant.map((crl) => ({ kind: 'crl', at: crl.thisUpdate, until: crl.nextUpdate }));
}

function* askOcsp({ certificate: cert, issuer }: Target, responses: readonly Bytes[], { at }: Context): Task<Learnt> {
  const proofs: Proof[] = [];
  let doubt: Learnt['doubt'];
  // All are asked, also after a good one: an answer from before a revocation may stand in front of the one after it.
  for (const response of responses.slice(0, MOST_OCSP)) {
    const answer = yield* ocspTask(response, { cert, issuer, at: new Date(at) });
    if (answer.status === 'revoked') return { revoked: answer.reason ?? 'unspecified', proofs: [] };
    if (answer.status !== 'good') doubt = { stale: answer.status === 'stale', detail: answer.detail };
    else if (answer.thisUpdate) proofs.push({ kind: 'ocsp', at: answer.thisUpdate, until: answer.nextUpdate });
  }
  return proofs.length > 0 || doubt === undefined ? { proofs } : { doubt, proofs };
}

/** Revoked by one is revoked; good by one is good; otherwise the first doubt is told. */
function report(at: number, learnt: readonly Learnt[], findings: Findings): void {
  const reason = learnt.find(({ revoked }) => revoked !== undefined)?.revoked;
  if (reason !== undefined) {
    revoke(at, reason, findings);
    return;
  }
  if (learnt.some(({ doubt, proofs }) => doubt === undefined && proofs.length > 0)) return;
  const doubt = learnt.find((one) => one.doubt !== undefined)?.doubt;
  const about = at === 0 ? 'the license' : `the CA certificate ${at} above`;
  const detail = doubt?.detail ?? 'nothing speaks of it';
  findings.doubt(doubt?.stale === true ? 'STATUS_STALE' : 'STATUS_UNKNOWN', `Revocation of ${about}: ${detail}.`);
}

function revoke(at: number, reason: string, findings: Findings): void {
  if (at > 0) findings.refuse('invalid', 'ISSUER_REVOKED', `The CA certificate ${at} above is revoked (${reason}).`);
  // A hold can end: what runs may keep running until it is known how.
  else if (reason === 'certificateHold') findings.refuse('restricted', 'SUSPENDED', 'The license is suspended.');
  else if (reason === 'superseded') findings.refuse('invalid', 'SUPERSEDED', 'A newer license has taken its place.');
  else findings.refuse('invalid', 'REVOKED', `The license is revoked (${reason}).`);
}

// `verdicts` holds what each signature came to in this verification: a list that nobody verified proves nothing.
function wasVerified(crl: CertificateList, { verdicts }: Context): boolean {
  return verdicts.get(crl)?.some(({ verdict }) => verdict === 'valid') === true;
}

/** One list of one issuer: name, key and scope. */
function listKey({ issuer, extensions }: CertificateList): string {
  const scope = extensions.all.find(({ oid }) => oid === OID.issuingDistributionPoint)?.value ?? new Uint8Array();
  const key = extensions.authorityKeyIdentifier?.keyIdentifier ?? new Uint8Array();
  return toHex(sha256(Uint8Array.from([...issuer.raw, ...key, ...scope]))).slice(0, 32);
}

function isRolledBack(crl: CertificateList, mark: HighWater): boolean {
  const seen = mark.crlNumbers[listKey(crl)];
  return seen !== undefined && (crl.extensions.crlNumber ?? 0n) < BigInt(seen);
}

function numbersOf(lists: readonly CertificateList[]): Record<string, string> {
  const numbers: Record<string, string> = {};
  for (const crl of lists) {
    const number = crl.extensions.crlNumber ?? 0n;
    const key = listKey(crl);
    if (number > BigInt(numbers[key] ?? '0')) numbers[key] = String(number);
  }
  return numbers;
}
