import type { Entity } from './entity.ts';

/** What an organization sells. A change of the catalog makes a new version; contracts keep what they were sold with. */
export type Product = Entity & {
  /** The first part of its features' names. */
  readonly code: string;
  readonly name: string;
  readonly status: 'active' | 'retired';
  readonly catalogVersion: number;
  readonly catalog: Catalog;
};

export type Catalog = {
  /** Codes without the product's prefix: `export` becomes the feature `product/export`. */
  readonly features: readonly { readonly code: string; readonly name: string }[];
  readonly limits: readonly { readonly code: string; readonly name: string; readonly unit: string }[];
  readonly tiers: readonly { readonly rank: number; readonly code: string; readonly name: string }[];
};
