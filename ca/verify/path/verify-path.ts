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
  const search = new Search(own, context);
  yield* visitPaths(leaf, search, context);
  if (search.best === undefined) yield* explain(leaf, search, context);
  return search.best === undefined ? brokenOff(search.deepest!, own, context) : concluded(search.best);
}

/**
 * What was met on the way. A class, because a generator function that is made for each search is given a prototype and a
 * hidden class of its own by V8, and those keep all that the function sees until the next full collection of garbage:
 * that cost more than the search.
 */
class Search implements Visitor {
  best: Attempt | undefined;
  deepest: DeadEnd | undefined;
  explaining = false;
  private visited = 0;
  private readonly own: Finding[];
  private readonly context: Context;

  constructor(own: Finding[], context: Context) {
    this.own = own;
    this.context = context;
  }

  *complete(candidate: Candidate): Task<Visit> {
    const { own, context, explaining } = this;
    context.budget.spendPath();
    const attempt = yield* attemptPath(candidate, explaining ? undefined : own, context);
    if (this.best === undefined || attempt.findings.length < this.best.findings.length) this.best = attempt;
    this.visited += 1;
    const enough = explaining ? this.visited >= MOST_EXPLAINED : this.best.findings.length <= own.length;
    return enough ? 'stop' : 'go-on';
  }

  deadEnd(end: DeadEnd): void {
    if (this.deepest === undefined || end.chain.length > this.deepest.chain.length) this.deepest = end;
  }
}

/** There is no path: what remains of the budget may be spent to say why, and what was found by then is reported. */
function* explain(leaf: Certificate, search: Search, context: Context): Task<void> {
  search.explaining = true;
  try {
    yield* visitPaths(leaf, search, context);
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
