import { type Bytes, type Certificate, type CertificateList, equalBytes } from '@licet/format';
import { Budget, LIMITS } from '../budget.ts';
import type { RequestedName } from '../names/requested.ts';
import { type SignatureVerdict, type Task, checkSignature, signedPart } from '../signatures/check.ts';
import { DEFAULT_MAX_DEPTH, type PathOptions } from './options.ts';
import type { PolicyOptions } from './policies.ts';
import { type Pool, fillPool } from './pool.ts';
import type { Purpose } from './usage.ts';

/** One verification: what was asked, what is at hand, what was spent. */
export type Context = {
  /** Milliseconds, cut to whole seconds: certificates know no smaller unit (RFC 5280 §4.1.2.5). */
  readonly at: number;
  readonly names: readonly RequestedName[];
  readonly purpose: Purpose | undefined;
  readonly policies: PolicyOptions;
  readonly maxDepth: number;
  readonly allowWeak: boolean;
  /** `must`: a status that is unknown is a finding. `may`: only a revocation is. `no`: nobody looks. */
  readonly revocation: 'must' | 'may' | 'no';
  readonly budget: Budget;
  readonly pool: Pool;
  /** Whose CRL-signing path is just being validated, so that two of them cannot vouch for each other. */
  readonly crlIssuers: readonly Certificate[];
  /** Each signature is verified once, however many paths lead over it. */
  readonly verdicts: Map<Certificate | CertificateList, KeyVerdict[]>;
  /** Lists that somebody has signed who may: that a key at hand fits is not enough, for anybody can hand in a key. */
  readonly vouched: Set<CertificateList>;
};

/** What the signature of an object came to under one key. */
export type KeyVerdict = { readonly key: Bytes; readonly verdict: SignatureVerdict };

export function createContext(options: PathOptions): Context {
  const budget = new Budget({ ...LIMITS, ...options.limits });
  const crls = options.crls ?? [];
  const required = options.requireRevocation ?? crls.length > 0;
  return {
    at: Math.floor(options.at.getTime() / 1000) * 1000,
    names: options.names ?? [],
    purpose: options.purpose,
    policies: options.policies ?? {},
    maxDepth: options.maxDepth ?? DEFAULT_MAX_DEPTH,
    allowWeak: options.allowWeakAlgorithms ?? false,
    revocation: required ? 'must' : crls.length > 0 ? 'may' : 'no',
    budget,
    pool: fillPool(options, budget),
    crlIssuers: [],
    verdicts: new Map(),
    vouched: new Set(),
  };
}

/** More keys than one verification has signatures to try; what is kept longer (known authorities) must not grow. */
const MOST_VERDICTS = 128;

/** Whether this object was signed by the key of this certificate. */
export function* checkSignedBy(
  object: Certificate | CertificateList,
  { publicKey }: Certificate,
  context: Context,
): Task<SignatureVerdict> {
  let verdicts = context.verdicts.get(object);
  if (verdicts === undefined) context.verdicts.set(object, (verdicts = []));
  const known = verdicts.find(({ key }) => equalBytes(key, publicKey.raw));
  if (known !== undefined) return known.verdict;
  const verdict = yield* checkSignature(signedPart(object), publicKey, context);
  if (verdicts.length === MOST_VERDICTS) verdicts.shift();
  verdicts.push({ key: publicKey.raw, verdict });
  return verdict;
}
