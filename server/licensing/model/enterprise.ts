import type { Entity, Labels } from './entity.ts';
import type { Machine } from './state.ts';

export type EnterpriseStatus = 'active' | 'suspended' | 'closed';

/** A customer of the organization. */
export type Enterprise = Entity & {
  readonly slug: string;
  /** For people; certificates carry the slug (OU=), which never changes. */
  readonly name: string;
  readonly status: EnterpriseStatus;
  /** Suspended at once: its CA certificates are on hold, and with them every license below. */
  readonly held: boolean;
  readonly labels: Labels;
};

export const ENTERPRISE_LIFE: Machine<EnterpriseStatus, 'suspend' | 'hold' | 'reinstate' | 'close'> = {
  thing: 'enterprise',
  transitions: {
    suspend: { from: ['active'], to: 'suspended' },
    // Also of one whose renewals were stopped before.
    hold: { from: ['active', 'suspended'], to: 'suspended' },
    reinstate: { from: ['suspended'], to: 'active' },
    close: { from: ['active', 'suspended'], to: 'closed' },
  },
};
