import type { Entity } from './entity.ts';

/** The vendor: the tenant. Its own `organization` is its slug, which is its name everywhere: in certificates, keys, rows. */
export type Organization = Entity & {
  readonly slug: string;
  /** For people; certificates carry the slug. */
  readonly name: string;
  readonly status: 'active' | 'suspended';
  readonly settings: OrganizationSettings;
};

export type OrganizationSettings = {
  /** Dangerous acts (revoke an enterprise, make a CA, raise a contract above its plan) wait for a second person. */
  readonly secondPerson: boolean;
  /** What happens to the branches of a forked lineage. */
  readonly onFork: 'alarm' | 'quarantine-later' | 'quarantine-both';
};
