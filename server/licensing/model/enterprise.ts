import type { Entity, Labels } from './entity.ts';
import type { Machine } from './state.ts';

export type EnterpriseStatus = 'active' | 'suspended' | 'closed';

/** A customer of the organization. */
export type Enterprise = Entity & {
  readonly slug: string;
  /** For people; certificates carry the slug (OU=), which never changes. */
  readonly name: string;
  readonly status: EnterpriseStatus;
  readonly labels: Labels;
};

export const ENTERPRISE_LIFE: Machine<EnterpriseStatus, 'suspend' | 'reinstate' | 'close'> = {
  thing: 'enterprise',
  transitions: {
    suspend: { from: ['active'], to: 'suspended' },
    reinstate: { from: ['suspended'], to: 'active' },
    close: { from: ['active', 'suspended'], to: 'closed' },
  },
};
