import type { Context } from '../path/context.ts';
import type { Finding } from '../path/findings.ts';
import type { Candidate } from '../path/validate.ts';
import type { Task } from '../signatures/check.ts';
import { crlStatus } from './crl-status.ts';
import type { Status } from './status.ts';

/** What the evidence has against the certificates of a path. An anchor has no issuer who could revoke it. */
export function* checkPathRevocation({ chain, anchor }: Candidate, context: Context): Task<Finding[]> {
  if (context.revocation === 'no') return [];
  const findings: Finding[] = [];
  for (const [at, certificate] of chain.entries()) {
    const issuer = chain[at + 1] ?? anchor.certificate;
    const status = yield* crlStatus({ certificate, issuer, anchor }, context);
    const finding = findingOf(status, at, context);
    if (finding !== undefined) findings.push(finding);
  }
  return findings;
}

function findingOf(status: Status, at: number, { revocation }: Context): Finding | undefined {
  switch (status.kind) {
    case 'good':
      return undefined;
    case 'revoked': {
      const detail = `revoked since ${status.revokedAt.toISOString()} (${status.reason ?? 'no reason given'})`;
      if (at > 0) return { code: 'ISSUER_REVOKED', at, detail };
      return { code: status.reason === 'certificateHold' ? 'SUSPENDED' : 'REVOKED', at, detail };
    }
    default:
      if (revocation === 'may') return undefined;
      return { code: status.stale ? 'STATUS_STALE' : 'STATUS_UNKNOWN', at, detail: status.detail };
  }
}
