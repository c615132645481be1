import type { Entity } from './entity.ts';
import type { Terms } from './terms.ts';

/** A template for contracts. Changing it changes no contract. */
export type Plan = Entity & {
  readonly code: string;
  readonly name: string;
  readonly status: 'active' | 'retired';
  readonly terms: Terms;
  /** Length of a contract made from it. */
  readonly months: number;
  /** API requests that each enterprise of the plan may make in a calendar month. */
  readonly requestsPerMonth: number | 'unlimited';
};
