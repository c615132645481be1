import type { AlertKind } from './alert.ts';
import type { Entity } from './entity.ts';

/** Which events somebody hears. */
export type Hears = {
  /** Types, kinds of types (`license.*`), or `*`. */
  readonly events: readonly string[];
  /** Of events about alerts, only those of these kinds; empty: of all. */
  readonly alertKinds: readonly AlertKind[];
  /** Only what is about this enterprise. */
  readonly enterprise: string | undefined;
};

/** Where an organization is told of events, signed by the scheme of Standard Webhooks. */
export type Webhook = Entity &
  Hears & {
    readonly name: string;
    readonly url: string;
    /** The newest first; the one before it signs too until it is over. */
    readonly secrets: readonly WebhookSecret[];
    readonly status: 'active' | 'disabled';
    /** `gone`: it answered 410. `failing`: nothing got through for as long as anything is tried. */
    readonly disabledBecause: 'person' | 'gone' | 'failing' | undefined;
    /** Since when nothing got through. */
    readonly failingSince: Date | undefined;
  };

export type WebhookSecret = {
  readonly sealed: string;
  /** `whpk_…`: checks what it signs by `v1a`. */
  readonly publicKey: string;
  /** RFC 3339; the newest has no end. */
  readonly until?: string;
};

/** Who gets mail. */
export type MailRecipient = Entity &
  Hears & {
    readonly name: string;
    readonly address: string;
    readonly status: 'active' | 'disabled';
  };

/** Of which there is mail: what is meant for people. */
export const MAILED = [
  'license.expiring',
  'license.expired',
  'contract.ending',
  'alert.opened',
  'alert.resolved',
  'webhook.disabled',
  'approval.requested',
] as const;
