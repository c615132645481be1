import type { Entity, Labels } from './entity.ts';
import type { Machine } from './state.ts';
import type { Terms } from './terms.ts';

export type ContractStatus = 'draft' | 'active' | 'suspended' | 'ended';

/** What an enterprise bought. Its id is the `id` of the claims that its CA certificate carries. */
export type Contract = Entity & {
  readonly enterprise: string;
  /** The number on the paper. */
  readonly number: string;
  readonly status: ContractStatus;
  /** The plan it was made from, if any: what "above its plan" is measured against. */
  readonly plan: string | undefined;
  readonly terms: Terms;
  /** The version of each product's catalog that it was sold with, by the product's code. */
  readonly catalogs: Readonly<Record<string, number>>;
  readonly term: ContractTerm;
  /** The instant that `term` ends at, kept so that contracts can be looked for by it. */
  readonly endsAt: Date;
  readonly labels: Labels;
};

/**
 * First and last day as the parties wrote them, both included, in the zone they meant. Instants are derived from them
 * (half open: the term ends when the last day has ended), so that nobody has to guess what midnight means.
 */
export type ContractTerm = {
  /** `2026-01-01` */
  readonly firstDay: string;
  readonly lastDay: string;
  /** IANA name, e.g. `Europe/Berlin`. */
  readonly timeZone: string;
};

export const CONTRACT_LIFE: Machine<ContractStatus, 'activate' | 'suspend' | 'reinstate' | 'end'> = {
  thing: 'contract',
  transitions: {
    activate: { from: ['draft'], to: 'active' },
    suspend: { from: ['active'], to: 'suspended' },
    reinstate: { from: ['suspended'], to: 'active' },
    end: { from: ['draft', 'active', 'suspended'], to: 'ended' },
  },
};
