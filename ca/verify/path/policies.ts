import type { Certificate } from '@licet/format';
import { OID } from '@licet/format';
import type { Budget } from '../budget.ts';
import { PolicyGraph } from './policy-graph.ts';

export type PolicyOptions = {
  /** user-initial-policy-set (RFC 5280 §6.1.1 (c)); any policy when absent. */
  readonly initial?: readonly string[];
  readonly requireExplicit?: boolean;
  readonly inhibitMapping?: boolean;
  readonly inhibitAny?: boolean;
};

/** The policy part of the state of RFC 5280 §6.1.2, over a path of `length` certificates below the anchor. */
export class PolicyState {
  private readonly graph: PolicyGraph;
  private readonly initial: readonly string[];
  private explicit: number;
  private mapping: number;
  private any: number;

  constructor(options: PolicyOptions, length: number, budget: Budget, graph: PolicyGraph = new PolicyGraph(budget)) {
    this.graph = graph;
    this.initial = options.initial ?? [OID.anyPolicy];
    this.explicit = options.requireExplicit === true ? 0 : length + 1;
    this.mapping = options.inhibitMapping === true ? 0 : length + 1;
    this.any = options.inhibitAny === true ? 0 : length + 1;
  }

  /** RFC 5937 §3.2: what a trust anchor says of policies holds like an option of the caller. */
  startFrom(anchor: Certificate): void {
    this.tighten(anchor);
  }

  /** The same state for another certificate below: only `enter` and `finish` of a leaf may follow. */
  fork(budget: Budget): PolicyState {
    const fork = new PolicyState({ initial: this.initial }, 0, budget, this.graph.fork(budget));
    fork.explicit = this.explicit;
    fork.mapping = this.mapping;
    fork.any = this.any;
    return fork;
  }

  /** §6.1.3 (d) to (f). */
  enter(certificate: Certificate, selfIssued: boolean, last: boolean): boolean {
    const policies = certificate.extensions.certificatePolicies;
    if (policies === undefined) this.graph.clear();
    else {
      const anyCounts = this.any > 0 || (!last && selfIssued);
      this.graph.descend(
        policies.map((policy) => policy.oid),
        anyCounts,
      );
    }
    return this.explicit > 0 || !this.graph.isEmpty;
  }

  /** §6.1.4 (a), (b), (h) to (j): made ready for the certificate below. */
  prepareNext(certificate: Certificate, selfIssued: boolean): boolean {
    const mappings = certificate.extensions.policyMappings ?? [];
    const sound = mappings.every(({ issuer, subject }) => issuer !== OID.anyPolicy && subject !== OID.anyPolicy);
    if (this.mapping > 0) this.graph.map(mappings);
    else this.graph.drop(mappings.map(({ issuer }) => issuer));
    if (!selfIssued) {
      this.explicit = Math.max(0, this.explicit - 1);
      this.mapping = Math.max(0, this.mapping - 1);
      this.any = Math.max(0, this.any - 1);
    }
    this.tighten(certificate);
    return sound;
  }

  /** §6.1.5 (a), (b), (g). */
  finish(leaf: Certificate): { satisfied: boolean; policies: string[] } {
    this.explicit = Math.max(0, this.explicit - 1);
    if (leaf.extensions.policyConstraints?.requireExplicitPolicy === 0) this.explicit = 0;
    const policies = this.graph.acceptable(new Set(this.initial));
    return { satisfied: this.explicit > 0 || policies.length > 0, policies };
  }

  private tighten({ extensions: { policyConstraints, inhibitAnyPolicy } }: Certificate): void {
    this.explicit = Math.min(this.explicit, policyConstraints?.requireExplicitPolicy ?? this.explicit);
    this.mapping = Math.min(this.mapping, policyConstraints?.inhibitPolicyMapping ?? this.mapping);
    this.any = Math.min(this.any, inhibitAnyPolicy ?? this.any);
  }
}
