/** Thrown inside the validator only, when a path would cost too much; it becomes the code BUDGET_EXCEEDED. */
export class BudgetExceeded extends Error {
  override readonly name = 'BudgetExceeded';
}

/**
 * How much work one verification may be. Without limits, a handful of certificates that certify each other has more
 * paths than there is time, and a few names against a few constraints more comparisons. The honest need stands beside
 * each number.
 */
export const LIMITS = {
  /** A path of ten with a CRL for each takes 20; webpki and Go stop at 100 as well. 100 of P-256 take about 10 ms. */
  signatures: 100,
  /** Certificates and CRLs that are read. All intermediates of the Web come to about 3,000. */
  objects: 16_384,
  /** Candidates that are tried as issuer. The worst of the BetterTLS suites needs 60. */
  candidates: 10_000,
  /** Complete paths that are validated. Beyond the first, these differ in a cross-certificate or a renewal. */
  paths: 200,
  /**
   * Names against subtrees, policies against expected policies, CRLs against distribution points; about 0.1 µs each.
   * webpki stops at 250,000 as well: 1,000 names of a certificate against 250 subtrees.
   */
  comparisons: 250_000,
} as const;

export type Limits = { readonly [kind in keyof typeof LIMITS]: number };

export class Budget {
  private readonly left: { -readonly [kind in keyof Limits]: number };

  constructor(limits: Limits = LIMITS) {
    this.left = { ...limits };
  }

  spendSignature(): void {
    this.spend('signatures', 1);
  }

  spendObject(): void {
    this.spend('objects', 1);
  }

  spendCandidate(): void {
    this.spend('candidates', 1);
  }

  spendPath(): void {
    this.spend('paths', 1);
  }

  spendComparisons(count: number): void {
    this.spend('comparisons', count);
  }

  private spend(kind: keyof Limits, count: number): void {
    this.left[kind] -= count;
    if (this.left[kind] < 0) throw new BudgetExceeded(`more ${kind} than one verification may take`);
  }
}
