import { type Certificate, decodeCertificate } from '@licet/format';
import { BudgetExceeded } from '../budget.ts';
import { checkPathRevocation } from '../revocation/path.ts';
import { type Task, runNow, runSoon } from '../signatures/check.ts';
import { type DeadEnd, type Visit, type Visitor, endsInRoot, pathDefects, visitPaths } from './build.ts';
import { type Context, createContext } from './context.ts';
import type { Finding } from './findings.ts';
import { localDefects } from './local.ts';
import type { PathOptions, PathResult } from './options.ts';
import { readOrUndefined } from './pool.ts';
import { type Candidate, validate } from './validate.ts';

/**
 * Builds and validates a path from a certificate to a trust anchor: RFC 5280 §6, for any X.509 certificate.
 *
 *     const { ok, codes } = await verifyPath(leaf, { intermediates, anchors: [root], at: new Date(), purpose: 'serverAuth' });
 *
 * Bytes that are no certificate end in a code, never in an exception.
 */
export function verifyPath(leaf: Uint8Array | Certificate, options: PathOptions): Promise<PathResult> {
  return runSoon(pathTask(leaf, options));
}

/** The same at once, where the runtime has `node:crypto` (`hasSynchronousCrypto`). */
export function verifyPathSync(leaf: Uint8Array | Certificate, options: PathOptions): PathResult {
  return runNow(pathTask(leaf, options));
}

/** How many complete paths are looked at to find the one whose failure explains most. */
const MOST_EXPLAINED = 16;

export function* pathTask(leaf: Uint8Array | Certificate, options: PathOptions): Task<PathResult> {
  const certificate = leaf instanceof Uint8Array ? readOrUndefined(leaf, decodeCertificate) : leaf;
  if (certificate === undefined) return failure([{ code: 'MALFORMED', at: 0, detail: 'the leaf is no certificate' }]);
  try {
    return yield* findPath(certificate, createContext(options));
  } catch (error) {
    if (!(error instanceof BudgetExceeded)) throw error;
    return failure([{ code: 'BUDGET_EXCEEDED', at: 0, detail: error.message }], [certificate]);
  }
}

type Attempt = { readonly candidate: Candidate; readonly findings: Finding[]; readonly policies: string[] };

/** Finds a path that holds or, failing that, the one that explains best why none does. */
export function* findPath(leaf: Certificate, context: Context): Task<PathResult> {
  const own: Finding[] = localDefects(leaf, 'leaf', context).map((defect) => ({ ...defect, at: 0 }));
  let best: Attempt | undefined;
  let deepest: DeadEnd | undefined;
  let visited = 0;
  const visitor = (explaining: boolean): Visitor => ({
    explaining,
    *complete(candidate: Candidate): Task<Visit> {
      context.budget.spendPath();
      const attempt = yield* attemptPath(candidate, explaining ? undefined : own, context);
      if (best === undefined || attempt.findings.length < best.findings.length) best = attempt;
      visited += 1;
      const enough = explaining ? visited >= MOST_EXPLAINED : best.findings.length <= own.length;
      return enough ? 'stop' : 'go-on';
    },
    deadEnd(end: DeadEnd): void {
      if (deepest === undefined || end.chain.length > deepest.chain.length) deepest = end;
    },
  });
  yield* visitPaths(leaf, visitor(false), context);
  if (best === undefined) yield* explain(leaf, visitor(true), context);
  return best === undefined ? brokenOff(deepest!, own, context) : concluded(best);
}

/** There is no path: what remains of the budget may be spent to say why, and what was found by then is reported. */
function* explain(leaf: Certificate, visitor: Visitor, context: Context): Task<void> {
  try {
    yield* visitPaths(leaf, visitor, context);
  } catch (error) {
    if (!(error instanceof BudgetExceeded)) throw error;
  }
}

/** `own`: what is wrong with the leaf, when that is all that can still be wrong with a single certificate. */
function* attemptPath(candidate: Candidate, own: Finding[] | undefined, context: Context): Task<Attempt> {
  const { findings, policies } = validate(candidate, context);
  findings.unshift(...(own ?? (yield* pathDefects(candidate, context))));
  // Evidence is looked at last: it costs signatures, and a path with other faults needs none to fail.
  if (findings.length === (own?.length ?? 0)) findings.push(...(yield* checkPathRevocation(candidate, context)));
  return { candidate, findings, policies };
}

function concluded({ candidate: { chain, anchor }, findings, policies }: Attempt): PathResult {
  const path = [...chain, anchor.certificate];
  return findings.length > 0 ? failure(findings, path) : { ok: true, codes: [], path, policies, findings };
}

function brokenOff({ chain, reason }: DeadEnd, own: Finding[], { pool, maxDepth }: Context): PathResult {
  const at = chain.length - 1;
  const findings = [...own];
  if (reason === 'too-deep') {
    findings.push({ code: 'PATH_TOO_LONG', at, detail: `there is no path with ${maxDepth} intermediates or fewer` });
  } else if (endsInRoot(chain)) {
    findings.push({ code: 'ROOT_UNTRUSTED', at, detail: 'the root at the end of the path is no trust anchor' });
  } else {
    findings.push({ code: 'CHAIN_INCOMPLETE', at, detail: 'its issuer is not at hand' });
  }
  const { anchors, certificates } = pool.unreadable;
  if (anchors + certificates > 0) {
    findings.push({
      code: 'MALFORMED',
      at,
      detail: `${anchors} anchors and ${certificates} others are no certificates`,
    });
  }
  return failure(findings, [...chain]);
}

function failure(findings: Finding[], path: Certificate[] = []): PathResult {
  return { ok: false, codes: [...new Set(findings.map(({ code }) => code))], path, policies: [], findings };
}
