import type { RevocationReason } from '@licet/format';
import { type FinalReason, REVOCATION_STEPS, type RevocationEvent, type RevocationState } from '../ports/revocation.ts';
import type { ChangeOutcome } from '../ports/revocation-store.ts';
import type { RevocationRecord } from '../ports/signer.ts';

/** CRLReason by number, RFC 5280 §5.3.1: what the journal and the database keep. */
const NUMBERS: Readonly<Record<FinalReason | 'certificateHold' | 'removeFromCRL', number>> = {
  keyCompromise: 1,
  cACompromise: 2,
  affiliationChanged: 3,
  superseded: 4,
  cessationOfOperation: 5,
  certificateHold: 6,
  removeFromCRL: 8,
  privilegeWithdrawn: 9,
};
const NAMES = new Map(Object.entries(NUMBERS).map(([name, number]) => [number, name as keyof typeof NUMBERS]));

export function reasonNumberOf(event: RevocationEvent): number {
  if (event.type === 'revoke') return NUMBERS[event.reason];
  return NUMBERS[event.type === 'hold' ? 'certificateHold' : 'removeFromCRL'];
}

/** The state that a stored reason stands for. */
export function stateOf(reason: number, since: Date): RevocationState {
  if (reason === NUMBERS.removeFromCRL) return { state: 'valid' };
  if (reason === NUMBERS.certificateHold) return { state: 'held', since };
  return { state: 'revoked', since, reason: finalReason(reason) };
}

/** A number that nobody writes counts as a revocation all the same: never as less. */
function finalReason(number: number): FinalReason {
  const name = NAMES.get(number);
  return name === undefined || name === 'certificateHold' || name === 'removeFromCRL' ? 'cessationOfOperation' : name;
}

/** What a CRL and OCSP give as the reason. */
export function statedReason(state: Exclude<RevocationState, { state: 'valid' }>): RevocationReason {
  return state.state === 'held' ? 'certificateHold' : state.reason;
}

/** What an event does to a state. The same event with the same reason again does nothing, and is no error. */
export function step(state: RevocationState, event: RevocationEvent): Exclude<ChangeOutcome, 'NOT_ISSUED'> {
  if (REVOCATION_STEPS[state.state].includes(event.type)) return 'applied';
  if (state.state === 'held' && event.type === 'hold') return 'unchanged';
  if (state.state !== 'revoked') return 'NOT_HELD';
  return event.type === 'revoke' && event.reason === state.reason ? 'unchanged' : 'ALREADY_REVOKED';
}

export const JOURNAL_EVENTS = { revoke: 'revoked', hold: 'held', reinstate: 'reinstated' } as const;

/**
 * Of two lines of the journal about one certificate, in their order, the one that counts. A line may stand behind a
 * revocation, which nothing undoes: the commit of that one failed, or an older version wrote the line before the change
 * was judged.
 */
export function whichCounts(earlier: RevocationRecord | undefined, later: RevocationRecord): RevocationRecord {
  return earlier?.event === 'revoked' ? earlier : later;
}
