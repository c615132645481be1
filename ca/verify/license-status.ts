import {
  type Bytes,
  type Certificate,
  type CertificateList,
  concatBytes,
  OID,
  type RevocationReason,
  toHex,
} from '@licet/format';
import { BudgetExceeded } from './budget.ts';
import type { HighWater } from './high-water.ts';
import type { LicensePath } from './license-path.ts';
import type { Context } from './path/context.ts';
import { impliedPoint, reasonsCovered } from './revocation/crl-scope.ts';
import { crlStatus } from './revocation/crl-status.ts';
import { ocspTask } from './revocation/ocsp.ts';
import { computeDigest, type Task } from './signatures/check.ts';
import type { Findings } from './verdict.ts';

/** What was learnt of revocation, beside the findings. */
export type StatusReport = {
  /**
   * The newest proof that both the license and the CA that issued it were good at that time. What tells of the license
   * alone comes from that CA, which may be on hold, or in the hands of the customer.
   */
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
  const keys = yield* listKeys(lists);
  const old = lists.filter((crl) => isRolledBack(crl, mark.crlNumbers[keys.get(crl)!]));
  const newest: (Proof | undefined)[] = [];
  const times: Date[] = [];
  const steps = given ? certificates.length - 1 : 0;
  for (let at = 0; at < steps; at += 1) {
    const target = { certificate: certificates[at]!, issuer: certificates[at + 1]!, anchor };
    const fromLists = yield* askLists(target, old, context);
    const fromOcsp = yield* askOcsp(target, ocsp, context);
    report(at, [fromOcsp, fromLists], findings);
    const proofs = [...fromLists.proofs, ...fromOcsp.proofs].sort(byTime);
    times.push(...proofs.map((proof) => proof.at));
    newest.push(proofs.at(-1));
  }
  if (old.length > 0) findings.doubt('STATUS_ROLLED_BACK', 'A CRL is older than one that was already seen.');
  return {
    proof: olderOf(newest.slice(0, CONTACT_DEPTH)),
    times,
    crlNumbers: numbersOf(
      lists.filter((crl) => context.vouched.has(crl)),
      keys,
    ),
  };
}

/** The license and its CA. The lists above those may come from an offline root, for years ahead. */
const CONTACT_DEPTH = 2;

const byTime = (a: Proof, b: Proof): number => a.at.getTime() - b.at.getTime();

const olderOf = (proofs: readonly (Proof | undefined)[]): Proof | undefined =>
  proofs.includes(undefined) ? undefined : (proofs as readonly Proof[]).toSorted(byTime)[0];

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

/** A list speaks for its time when somebody has signed it who may, it is about the certificate, and none newer was seen. */
function proofsOf(certificate: Certificate, old: readonly CertificateList[], context: Context): Proof[] {
  const point = [...(certificate.extensions.crlDistributionPoints ?? []), impliedPoint(certificate)];
  const relevant = [...context.pool.crls.values()]
    .flat()
    .filter((crl) => context.vouched.has(crl) && !old.includes(crl) && crl.thisUpdate.getTime() <= context.at)
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
  if (at > 0) findings.refuse('invalid', 'ISSUER_REVOKED', aboveIs(at, reason));
  // A hold can end: what runs may keep running until it is known how.
  else if (reason === 'certificateHold') findings.refuse('restricted', 'SUSPENDED', 'The license is suspended.');
  else if (reason === 'superseded') findings.refuse('invalid', 'SUPERSEDED', 'A newer license has taken its place.');
  else findings.refuse('invalid', 'REVOKED', `The license is revoked (${reason}).`);
}

/** Also a hold: as long as it lasts nothing below is told from what a stolen key of that CA has signed (decision 7). */
const aboveIs = (at: number, reason: string): string =>
  reason === 'certificateHold'
    ? `The CA certificate ${at} above is on hold (certificateHold), and nothing below it counts until that ends.`
    : `The CA certificate ${at} above is revoked (${reason}).`;

/** Lists of one issuer, key and scope have the same key. */
function* listKeys(lists: readonly CertificateList[]): Task<Map<CertificateList, string>> {
  const keys = new Map<CertificateList, string>();
  for (const crl of lists) {
    const scope = crl.extensions.all.find(({ oid }) => oid === OID.issuingDistributionPoint)?.value ?? NOTHING;
    const key = crl.extensions.authorityKeyIdentifier?.keyIdentifier ?? NOTHING;
    const digest = yield* computeDigest('sha256', concatBytes(crl.issuer.raw, key, scope));
    keys.set(crl, toHex(digest.subarray(0, 16)));
  }
  return keys;
}

const NOTHING = new Uint8Array();

function isRolledBack({ extensions: { crlNumber = 0n } }: CertificateList, seen: string | undefined): boolean {
  return seen !== undefined && crlNumber < BigInt(seen);
}

function numbersOf(
  lists: readonly CertificateList[],
  keys: ReadonlyMap<CertificateList, string>,
): Record<string, string> {
  const numbers: Record<string, string> = {};
  for (const crl of lists) {
    const number = crl.extensions.crlNumber ?? 0n;
    const key = keys.get(crl)!;
    if (number > BigInt(numbers[key] ?? '0')) numbers[key] = String(number);
  }
  return numbers;
}
