import type { Claims } from '@licet/format';
import { checkBinding } from './binding.ts';
import { type Bundle, readBundle } from './bundle.ts';
import { effectiveClaims } from './chain-claims.ts';
import { CLOCK_TOLERANCE_MS, type HighWater, NO_HIGH_WATER, raise } from './high-water.ts';
import { holderOf } from './holder.ts';
import { findLicensePath, licenseContext, type LicensePath } from './license-path.ts';
import { checkStatus, type StatusReport } from './license-status.ts';
import { checkLifetime, lapsedState, type Lifetime, text } from './lifetime.ts';
import { checkOptions, type LicenseOptions, type Notice } from './license-options.ts';
import { checkPossession } from './possession.ts';
import { checkProduct, checkRequirements } from './requirements.ts';
import { runNow, runSoon, type Task } from './signatures/check.ts';
import { Findings, type Evidence, type Holder, type Verdict } from './verdict.ts';

/** Ask again within a day in any case: evidence and clocks change. */
const LONGEST_WAIT_MS = 24 * 60 * 60 * 1000;

/**
 * What a license is worth, here and now, with no network. Everything is a finding in the verdict: no input makes it
 * throw. (A TypeError is for a caller whose options are none: no anchors, no date, a name that is misspelt.)
 *
 *     const verdict = await verifyLicense(readFileSync('site.lic'), { anchors, at: new Date(), product: 'app' });
 *     if (!verdict.usable) showWhy(verdict.codes);
 *
 * @param bundle the text or bytes of `site.lic`: the license and its chain as PEM, or one certificate, or certs-only CMS.
 */
export function verifyLicense(bundle: string | Uint8Array, options: LicenseOptions): Promise<Verdict> {
  checkOptions(options);
  return runSoon(licenseTask(bundle, options));
}

/** The same at once, where the runtime has `node:crypto` (`hasSynchronousCrypto`): Node, Deno, Bun. */
export function verifyLicenseSync(bundle: string | Uint8Array, options: LicenseOptions): Verdict {
  checkOptions(options);
  return runNow(licenseTask(bundle, options));
}

/** What a verdict is made of, once the chain has proven to be one. */
type Proven = {
  readonly path: LicensePath;
  readonly effective: Claims | undefined;
  readonly holder: Holder | undefined;
  readonly lifetime: Lifetime | undefined;
  readonly status: StatusReport;
};

function* licenseTask(input: string | Uint8Array, options: LicenseOptions): Task<Verdict> {
  const findings = new Findings();
  const mark = options.highWater ?? NO_HIGH_WATER;
  const now = laterOf(options.at, mark.time, options.release);
  const rolledBack = now.getTime() - options.at.getTime() > CLOCK_TOLERANCE_MS;
  const bundle = readBundle(input, findings);
  const proven = bundle && (yield* prove(bundle, options, now, findings));
  if (proven?.effective) {
    yield* checkRights(proven, proven.effective, options, now, findings);
    if (rolledBack) reportRollback(options.at, now, proven.effective, findings);
  }
  reportNotices(options.notices ?? [], findings);
  if (findings.usable && findings.state === 'valid') findings.note('VALID', 'Everything that was asked for holds.');
  return conclude(proven, now, mark, findings);
}

/**
 * A clock never stands before what was signed, nor before the day of the release: the latest of these is the time that
 * counts. So setting a clock back gains nothing, whether or not it is noticed.
 */
function laterOf(at: Date, ...known: (Date | undefined)[]): Date {
  return new Date(Math.max(at.getTime(), ...known.map((date) => date?.getTime() ?? 0)));
}

function* prove(bundle: Bundle, options: LicenseOptions, now: Date, findings: Findings): Task<Proven | undefined> {
  const { evidence = {}, highWater = NO_HIGH_WATER, anchors } = options;
  const context = licenseContext(bundle, anchors, { crls: evidence.crls ?? [], at: now });
  const path = yield* findLicensePath(bundle.leaf, anchors, context, findings);
  if (path === undefined) return undefined;
  const effective = effectiveClaims(bundle.leaf, path.above, findings);
  const lifetime = effective && checkLifetime(path, effective, now, findings);
  const ocsp = [...bundle.ocsp, ...(evidence.ocsp ?? [])];
  const status = yield* checkStatus(path, ocsp, highWater, context, findings);
  return { path, effective, holder: holderOf(path.certificates, findings), lifetime, status };
}

function* checkRights(
  { path, status }: Proven,
  effective: Claims,
  options: LicenseOptions,
  now: Date,
  findings: Findings,
): Task<void> {
  const leaf = path.certificates[0]!;
  const newest = options.highWater?.sequences[effective.id];
  if (newest !== undefined && effective.sequence < newest) {
    const detail = `Issue ${newest} of this license was seen before, and this is issue ${effective.sequence}.`;
    findings.refuse('invalid', 'SUPERSEDED', detail, 'sequence');
  }
  checkContact(effective, evidenceOf(path, status, now).age ?? Infinity, findings);
  checkReports(effective, options.reportedAt ?? leaf.notBefore, now, findings);
  if (options.release && options.release.getTime() >= effective.term.to.getTime()) {
    const detail = `This release was built after the term ended at ${text(effective.term.to)}.`;
    findings.refuse('insufficient', 'TERM_ENDED', detail, 'term');
  }
  if (options.product !== undefined) checkProduct(effective, options.product, findings);
  if (options.require) checkRequirements(effective, options.require, findings);
  checkBinding(effective, options.fingerprints, findings);
  if (options.possession) yield* checkPossession(leaf.publicKey, options.possession, findings);
}

/** What the license says happens: a warning, or the state that a lapsed right leads to. */
function lapse(effective: Claims, code: 'CONTACT_OVERDUE' | 'CLOCK_ROLLBACK', detail: string, findings: Findings) {
  const claim = code === 'CONTACT_OVERDUE' ? 'contact' : 'degrade';
  if (effective.degrade === 'warn') findings.warn(code, detail, { claim });
  else findings.refuse(lapsedState(effective), code, detail, claim);
}

function checkContact(effective: Claims, age: number, findings: Findings): void {
  if (age <= effective.contact) return;
  const detail = `The newest evidence is ${age} s old, and ${effective.contact} s are allowed.`;
  lapse(effective, 'CONTACT_OVERDUE', detail, findings);
}

/** Without a clock to trust, nobody can say how old the evidence is. */
function reportRollback(at: Date, now: Date, effective: Claims, findings: Findings): void {
  const detail = `The clock says ${text(at)}, and ${text(now)} was already seen.`;
  lapse(effective, 'CLOCK_ROLLBACK', detail, findings);
}

function checkReports({ reporting }: Claims, last: Date, now: Date, findings: Findings): void {
  if (reporting?.required !== true || now.getTime() - last.getTime() <= reporting.every * 1000) return;
  findings.warn('REPORT_OVERDUE', `The last usage report dates from ${text(last)}.`, { claim: 'reporting' });
}

const NOTICES: Readonly<Record<Exclude<Notice, 'CLONED'>, string>> = {
  RATE_LIMITED: 'The authority asked to come back later; what is known without it stands.',
  AUTHORITY_UNAVAILABLE: 'The authority could not be reached; what is known without it stands.',
};

function reportNotices(notices: readonly Notice[], findings: Findings): void {
  for (const notice of new Set(notices)) {
    if (notice !== 'CLONED') findings.doubt(notice, NOTICES[notice]);
    else findings.refuse('restricted', 'CLONED', 'The authority has seen this license in more than one place.');
  }
}

function evidenceOf(path: LicensePath, status: StatusReport, now: Date): Evidence {
  const { kind, at } = newestProof(path, status);
  return { kind, age: Math.max(0, Math.floor((now.getTime() - at.getTime()) / 1000)) };
}

/** The license itself is evidence: whoever issued it knew then that it was good, and could issue it. */
function newestProof({ certificates }: LicensePath, { proof }: StatusReport): { kind: Evidence['kind']; at: Date } {
  const issued = certificates[0]!.notBefore;
  return proof && proof.at.getTime() >= issued.getTime() ? proof : { kind: 'issue', at: issued };
}

function conclude(proven: Proven | undefined, now: Date, mark: HighWater, findings: Findings): Verdict {
  const { effective, holder, lifetime } = proven ?? {};
  const mode = effective?.modes[0];
  return {
    usable: findings.usable,
    state: findings.state,
    codes: findings.sorted,
    effective,
    mode,
    watermark: mode === 'development',
    holder,
    expiresAt: lifetime?.expiresAt,
    graceUntil: lifetime?.graceUntil,
    nextCheckAt: nextCheck(proven, now),
    evidence: proven ? evidenceOf(proven.path, proven.status, now) : { kind: 'none', age: undefined },
    highWater: proven ? raise(mark, seen(proven, now)) : mark,
  };
}

function seen({ path, effective, status }: Proven, now: Date): HighWater {
  let latest = 0;
  const see = (time: Date) => {
    // What is signed with a date ahead of us says when it begins, not that this time has come.
    if (time.getTime() <= now.getTime()) latest = Math.max(latest, time.getTime());
  };
  for (const { notBefore } of path.certificates) see(notBefore);
  status.times.forEach(see);
  return {
    time: new Date(latest),
    sequences: effective ? { [effective.id]: effective.sequence } : {},
    crlNumbers: status.crlNumbers,
  };
}

function nextCheck(proven: Proven | undefined, now: Date): Date {
  const { lifetime, effective, status, path } = proven ?? {};
  const newest = path && status && newestProof(path, status).at;
  const moments = [
    lifetime?.renewAt,
    lifetime?.expiresAt,
    lifetime?.graceUntil,
    effective?.term.from,
    status?.proof?.until,
    effective && newest && new Date(newest.getTime() + effective.contact * 1000),
  ];
  let next = now.getTime() + LONGEST_WAIT_MS;
  for (const moment of moments) {
    // The verdict changes behind these moments, not at them.
    if (moment && moment.getTime() > now.getTime()) next = Math.min(next, moment.getTime() + 1000);
  }
  return new Date(next);
}
