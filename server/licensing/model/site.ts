import type { Mode } from '@licet/format';
import type { Entity, Labels } from './entity.ts';
import type { Machine } from './state.ts';

export type SiteStatus = 'pending' | 'active' | 'suspended' | 'retired';

/** One installation at an enterprise. */
export type Site = Entity & {
  readonly enterprise: string;
  readonly contract: string;
  /** Unique among the enterprise's sites that are not retired: the CN and the path of the URI in its license. */
  readonly name: string;
  readonly mode: Mode;
  readonly status: SiteStatus;
  /** The lineage that counts: a site that is installed anew begins another. */
  readonly lineage: string;
  /** What it takes of each pool limit of its contract, by code; the shares of all live sites never exceed the pool. */
  readonly shares: Readonly<Record<string, number>>;
  /** Salted digests of the machine's fingerprints, hexadecimal; empty: not bound. */
  readonly fingerprints: readonly string[];
  /** When its last usage report was accepted. */
  readonly reportedAt: Date | undefined;
  readonly labels: Labels;
  /**
   * SHA-256 of the public key that it was made for, if its license was asked for at once: who asks for that again means this
   * site. Not of the request, which a script signs anew each time.
   */
  readonly key: Uint8Array | undefined;
  /**
   * By which builds or workloads get its licenses, if it stands for such: each has its own, for hours, and none of them
   * is renewed.
   */
  readonly trustRule: string | undefined;
};

/** `pending` becomes `active` with its first license; a retired site never comes back, its name may. */
export const SITE_LIFE: Machine<SiteStatus, 'activate' | 'suspend' | 'reinstate' | 'retire'> = {
  thing: 'site',
  transitions: {
    activate: { from: ['pending'], to: 'active' },
    suspend: { from: ['active'], to: 'suspended' },
    reinstate: { from: ['suspended'], to: 'active' },
    retire: { from: ['pending', 'active', 'suspended'], to: 'retired' },
  },
};
