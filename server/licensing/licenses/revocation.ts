import type { RevocationEvent } from '@licet/authority';
import type { OutboxEvent } from '../ports/outbox.ts';

/** What the authority has to do about a license. */
export type LicenseRevocation = {
  readonly organization: string;
  readonly issuer: string;
  readonly serial: string;
  readonly change: RevocationEvent;
  readonly actor: string;
};

const CHANGES: Readonly<Record<string, (reason: unknown) => RevocationEvent>> = {
  'license.suspended': () => ({ type: 'hold' }),
  'license.reinstated': () => ({ type: 'reinstate' }),
  'license.revoked': (reason) => ({
    type: 'revoke',
    reason: reason === 'superseded' || reason === 'keyCompromise' ? reason : 'cessationOfOperation',
  }),
};

/** The events that are about this. */
export const REVOCATION_EVENTS: readonly string[] = Object.keys(CHANGES);

/**
 * The domain decides and says so in an event; a subscriber of the outbox has the authority carry it out. So a decision
 * is never lost between two databases' transactions, and carrying it out twice does no harm.
 */
export function revocationOf({ organization, type, payload }: OutboxEvent): LicenseRevocation | undefined {
  const change = CHANGES[type];
  if (change === undefined) return undefined;
  // The authority was asked first, and the domain followed: see `createLicenseFollower`.
  if (payload['done'] === true) return undefined;
  const { issuer, serial, actor, reason } = payload;
  return {
    organization,
    issuer: String(issuer),
    serial: String(serial),
    change: change(reason),
    actor: String(actor),
  };
}
