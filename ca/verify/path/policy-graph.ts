import { OID } from '@licet/format';
import type { Budget } from '../budget.ts';

/** `roots`: the policies, by their name at the anchor, that lead here; an anyPolicy node has none. */
type Node = { readonly policy: string; readonly roots: readonly string[]; expected: readonly string[] };

/**
 * The valid policies of a path, as the graph of RFC 9618 §3.1: one node for each policy of a depth, where the tree of
 * RFC 5280 §6.1.2 (a) has one for each way down to it, of which mappings make exponentially many. Only the last depth is
 * kept: what is above it is asked for nothing but where a policy comes from, and each node says that itself.
 */
export class PolicyGraph {
  private current: Map<string, Node>;
  private readonly budget: Budget;

  constructor(budget: Budget, current: Map<string, Node> = anyPolicyAlone()) {
    this.budget = budget;
    this.current = current;
  }

  /** A graph that grows apart from this one by `descend` and `clear`; what is there is shared. */
  fork(budget: Budget): PolicyGraph {
    return new PolicyGraph(budget, this.current);
  }

  /** No policy is valid any more: the valid_policy_tree of RFC 5280 is NULL. */
  get isEmpty(): boolean {
    return this.current.size === 0;
  }

  /** A certificate without the extension, or one that allows nothing. */
  clear(): void {
    this.current = new Map();
  }

  /** RFC 5280 §6.1.3 (d): one certificate further down, with its policies; `any` tells whether anyPolicy counts in it. */
  descend(policies: readonly string[], any: boolean): void {
    const above = this.parentsByExpectation();
    const wildcard = this.current.get(OID.anyPolicy);
    const next = new Map<string, Node>();
    const add = (policy: string, parents: readonly Node[]): void => {
      next.set(policy, { policy, roots: this.rootsOf(policy, parents), expected: [policy] });
    };
    for (const policy of policies) {
      if (policy === OID.anyPolicy || next.has(policy)) continue;
      const parents = above.get(policy) ?? (wildcard === undefined ? [] : [wildcard]);
      if (parents.length > 0) add(policy, parents);
    }
    if (any && policies.includes(OID.anyPolicy)) {
      for (const [policy, parents] of above) if (!next.has(policy)) add(policy, parents);
    }
    this.current = next;
  }

  /** §6.1.4 (b) (1): what the policies of this depth are called from here on. */
  map(mappings: readonly { readonly issuer: string; readonly subject: string }[]): void {
    const wildcard = this.current.get(OID.anyPolicy);
    const targets = new Map<string, string[]>();
    for (const { issuer, subject } of mappings) {
      this.budget.spendComparisons(1);
      const list = targets.get(issuer);
      if (list === undefined) targets.set(issuer, [subject]);
      else list.push(subject);
    }
    for (const [policy, expected] of targets) {
      const node = this.current.get(policy);
      if (node !== undefined) node.expected = expected;
      // The new node hangs beside the anyPolicy node, under the anyPolicy node of the depth above.
      else if (wildcard !== undefined) this.current.set(policy, { policy, roots: [policy], expected });
    }
  }

  /** §6.1.4 (b) (2): mapping is inhibited, so what would be mapped is not valid. */
  drop(policies: readonly string[]): void {
    for (const policy of policies) this.current.delete(policy);
  }

  /** §6.1.5 (g): the policies that hold for the whole path, of those that the caller accepts. */
  acceptable(initial: ReadonlySet<string>): string[] {
    const valid = this.authorityConstrained();
    if (initial.has(OID.anyPolicy)) return [...valid];
    if (valid.has(OID.anyPolicy)) return [...initial];
    return [...initial].filter((policy) => valid.has(policy));
  }

  /** RFC 9618 §5.3: the policies, by their name at the anchor, from which the last depth can be reached. */
  private authorityConstrained(): Set<string> {
    const valid = new Set<string>();
    for (const { policy, roots } of this.current.values()) {
      if (policy === OID.anyPolicy) valid.add(policy);
      this.budget.spendComparisons(roots.length);
      for (const root of roots) valid.add(root);
    }
    return valid;
  }

  /** Below anyPolicy a policy is its own root; elsewhere it has those of its parents. */
  private rootsOf(policy: string, parents: readonly Node[]): readonly string[] {
    this.budget.spendComparisons(1 + parents.length);
    const only = parents.length === 1 ? parents[0] : undefined;
    if (only !== undefined && only.policy !== OID.anyPolicy) return only.roots;
    const roots = new Set<string>();
    for (const { policy: above, roots: known } of parents) {
      this.budget.spendComparisons(known.length);
      if (above === OID.anyPolicy && policy !== OID.anyPolicy) roots.add(policy);
      for (const root of known) roots.add(root);
    }
    return [...roots];
  }

  private parentsByExpectation(): Map<string, Node[]> {
    const above = new Map<string, Node[]>();
    for (const node of this.current.values()) {
      for (const policy of node.expected) {
        this.budget.spendComparisons(1);
        const list = above.get(policy);
        if (list === undefined) above.set(policy, [node]);
        else list.push(node);
      }
    }
    return above;
  }
}

function anyPolicyAlone(): Map<string, Node> {
  return new Map([[OID.anyPolicy, { policy: OID.anyPolicy, roots: [], expected: [OID.anyPolicy] }]]);
}
