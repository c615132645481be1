import type { CertStatus } from '@licet/format';
import type { KnownCertificate } from '../../ports/revocation-store.ts';
import { statedReason } from '../steps.ts';

/**
 * What is said of a certificate, RFC 6960 §2.2. A serial that was reserved counts as issued from that moment: the
 * signature may exist before we know of it. One that was given up left nobody's hands, so whoever shows a certificate
 * with it has it from somewhere else: "good" is never said of it, and of what was never reserved neither.
 */
export function statusOf(known: KnownCertificate | undefined): CertStatus {
  if (known === undefined) return { kind: 'unknown' };
  const { state, closed } = known;
  if (state.state === 'valid') return { kind: closed ? 'unknown' : 'good' };
  return { kind: 'revoked', revokedAt: state.since, reason: statedReason(state) };
}
