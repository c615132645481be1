import { type Claims, NO_EXPIRY } from '@licet/format';
import type { LicensePath } from './license-path.ts';
import type { Findings, State } from './verdict.ts';

/** Renewal happens between a half and two thirds of the life of a license; whoever is later should be told. */
const RENEW_AFTER = 2 / 3;

export type Lifetime = {
  readonly renewAt: Date;
  readonly expiresAt: Date;
  readonly graceUntil: Date;
};

/** The dates of a license, from a path that was valid at some time, and the claims it leaves. */
export function lifetimeOf(path: LicensePath, effective: Claims): Lifetime {
  const ends = [...endsOf(path), effective.term.to];
  const expiresAt = ends.reduce((a, b) => (a.getTime() <= b.getTime() ? a : b));
  const begin = path.certificates[0]!.notBefore.getTime();
  return {
    renewAt: new Date(begin + (expiresAt.getTime() - begin) * RENEW_AFTER),
    expiresAt,
    // A grace of up to 2^53 seconds would lead beyond all dates.
    graceUntil: new Date(Math.min(expiresAt.getTime() + effective.grace * 1000, NO_EXPIRY.getTime())),
  };
}

/** What a lapsed right does, as the license itself says: stop, or take on nothing new. */
export function lapsedState(effective: Claims): State {
  return effective.degrade === 'stop' ? 'stopped' : 'restricted';
}

export function checkLifetime(path: LicensePath, effective: Claims, now: Date, findings: Findings): Lifetime {
  const lifetime = lifetimeOf(path, effective);
  if (now.getTime() < effective.term.from.getTime()) {
    findings.refuse('invalid', 'NOT_YET_VALID', `The term begins at ${text(effective.term.from)}.`, 'term');
  }
  const lapsed = lapsedParts(path, effective, now);
  if (lapsed.length === 0) {
    if (now.getTime() >= lifetime.renewAt.getTime()) {
      findings.warn('RENEW_SOON', `The license expires at ${text(lifetime.expiresAt)}.`, { state: 'renew-soon' });
    }
  } else if (now.getTime() <= lifetime.graceUntil.getTime()) {
    const detail = `${lapsed[0]!.detail} It keeps working until ${text(lifetime.graceUntil)}.`;
    findings.warn('IN_GRACE', detail, { claim: 'grace', state: 'in-grace' });
  } else {
    for (const { code, detail, claim } of lapsed) findings.refuse(lapsedState(effective), code, detail, claim);
  }
  return lifetime;
}

/** When each certificate of the path ends; for the anchor what its owner said, if he did. */
function endsOf({ certificates, anchor }: LicensePath): Date[] {
  const below = certificates.slice(0, -1).map(({ notAfter }) => notAfter);
  return [...below, anchor.validity?.to ?? anchor.certificate.notAfter];
}

type Lapsed = { code: 'EXPIRED' | 'ISSUER_EXPIRED' | 'TERM_ENDED'; detail: string; claim?: string };

function lapsedParts(path: LicensePath, effective: Claims, now: Date): Lapsed[] {
  const lapsed: Lapsed[] = [];
  // RFC 5280 §4.1.2.5: the certificate is valid through notAfter. The term is half open.
  endsOf(path).forEach((notAfter, depth) => {
    if (now.getTime() <= notAfter.getTime()) return;
    lapsed.push(
      depth === 0
        ? { code: 'EXPIRED', detail: `The license expired at ${text(notAfter)}.` }
        : { code: 'ISSUER_EXPIRED', detail: `The CA certificate ${depth} above expired at ${text(notAfter)}.` },
    );
  });
  if (now.getTime() >= effective.term.to.getTime()) {
    lapsed.push({ code: 'TERM_ENDED', detail: `The term ended at ${text(effective.term.to)}.`, claim: 'term' });
  }
  return lapsed;
}

export function text(date: Date): string {
  return `${date.toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
