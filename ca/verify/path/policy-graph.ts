import { OID } from '@licet/format';
import type { Budget } from '../budget.ts';

type Node = { readonly policy: string; readonly parents: readonly Node[]; expected: readonly string[] };

/**
 * The valid policies of a path, as the graph of RFC 9618 §3.1: one node for each policy of a depth, with all of its
 * parents. The tree of RFC 5280 §6.1.2 (a) says the same with one node for each way down to a policy, of which mappings
 * make exponentially many.
 */
export class PolicyGraph {
  private depths: readonly Map<string, Node>[];
  private readonly budget: Budget;

  constructor(budget: Budget, depths: readonly Map<string, Node>[] = [anyPolicyAlone()]) {
    this.budget = budget;
    this.depths = depths;
  }

  /** A graph that grows apart from this one by `descend` and `clear`; the depths that are there are shared. */
  fork(budget: Budget): PolicyGraph {
    return new PolicyGraph(budget, this.depths);
  }

  /** No policy is valid any more: the valid_policy_tree of RFC 5280 is NULL. */
  get isEmpty(): boolean {
    return this.current.size === 0;
  }

  private get current(): Map<string, Node> {
    return this.depths.at(-1)!;
  }

  /** A certificate without the extension, or one that allows nothing. */
  clear(): void {
    this.depths = [new Map()];
  }

  /** RFC 5280 §6.1.3 (d): one certificate further down, with its policies; `any` tells whether anyPolicy counts in it. */
  descend(policies: readonly string[], any: boolean): void {
    const above = this.parentsByExpectation();
    const wildcard = this.current.get(OID.anyPolicy);
    const next = new Map<string, Node>();
    const add = (policy: string, parents: readonly Node[]): void => {
      this.budget.spendComparisons(1 + parents.length);
      next.set(policy, { policy, parents, expected: [policy] });
    };
    for (const policy of policies) {
      if (policy === OID.anyPolicy || next.has(policy)) continue;
      const parents = above.get(policy) ?? (wildcard === undefined ? [] : [wildcard]);
      if (parents.length > 0) add(policy, parents);
    }
    if (any && policies.includes(OID.anyPolicy)) {
      for (const [policy, parents] of above) if (!next.has(policy)) add(policy, parents);
    }
    this.depths = [...this.depths, next];
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
      else if (wildcard !== undefined) this.current.set(policy, { policy, parents: wildcard.parents, expected });
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
    let reached = new Set<Node>(this.current.values());
    if (this.current.has(OID.anyPolicy)) valid.add(OID.anyPolicy);
    for (let depth = this.depths.length - 1; depth > 0; depth -= 1) {
      const above = new Set<Node>();
      for (const { policy, parents } of reached) {
        for (const parent of parents) {
          this.budget.spendComparisons(1);
          above.add(parent);
          if (policy !== OID.anyPolicy && parent.policy === OID.anyPolicy) valid.add(policy);
        }
      }
      reached = above;
    }
    return valid;
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
  return new Map([[OID.anyPolicy, { policy: OID.anyPolicy, parents: [], expected: [OID.anyPolicy] }]]);
}
