import { type LicenseFinding, type State, STATES, type Verdict } from '@licet/verify';
import type { Standing } from '../ports/licenses.ts';

export type Known = Pick<Standing, 'status' | 'lineage' | 'held' | 'onFork'> & { readonly isIssuerRevoked: boolean };

/** What a verifier without the authority can only have doubts about: here it is known. */
const ANSWERED: ReadonlySet<string> = new Set(['STATUS_UNKNOWN', 'STATUS_STALE', 'CONTACT_OVERDUE']);

/** The verdict of the certificates alone, and what the authority knows besides. */
export function withStatus(verdict: Verdict, known: Known): Verdict {
  const rest = verdict.codes.filter(({ code }) => !ANSWERED.has(code) && code !== 'VALID');
  const [added, state] = statusOf(known);
  const codes = added === undefined ? rest : [added, ...rest];
  const usable = codes.every(({ severity }) => severity !== 'error');
  const worst = worse(stateOf(rest, verdict), state);
  return { ...verdict, usable, state: worst, codes: usable && worst === 'valid' ? [VALID, ...codes] : codes };
}

const VALID: LicenseFinding = {
  code: 'VALID',
  severity: 'info',
  conclusive: true,
  detail: 'Everything that was asked for holds.',
};

const worse = (a: State, b: State): State => (STATES.indexOf(a) > STATES.indexOf(b) ? a : b);

/** Contact is made by asking: what the verifier said for want of it does not count. */
function stateOf(rest: readonly LicenseFinding[], verdict: Verdict): State {
  const wasOverdue = verdict.codes.some(({ code }) => code === 'CONTACT_OVERDUE');
  if (!wasOverdue || rest.some(({ severity }) => severity === 'error')) return verdict.state;
  if (rest.some(({ code }) => code === 'IN_GRACE')) return 'in-grace';
  return rest.some(({ code }) => code === 'RENEW_SOON') ? 'renew-soon' : 'valid';
}

type Status = readonly [finding: LicenseFinding | undefined, state: State];

/** What became of the site holds for each of its licenses, whatever their own rows say. */
function statusOf({ status, lineage, held, onFork, isIssuerRevoked }: Known): Status {
  if (status === 'revoked' || lineage === 'closed') return refused('REVOKED', 'The license is revoked.', 'invalid');
  if (isIssuerRevoked) return refused('ISSUER_REVOKED', 'A CA above the license is revoked or on hold.', 'invalid');
  if (status === 'suspended' || held) return refused('SUSPENDED', 'The license is suspended.', 'restricted');
  if (lineage === 'forked') {
    const detail = 'This license is used on two machines, and nobody has said yet which counts.';
    if (onFork !== 'alarm') return refused('CLONED', detail, 'restricted');
    return [{ code: 'CLONED', severity: 'warning', conclusive: true, detail }, 'valid'];
  }
  if (status === 'superseded') {
    // Its successor may be on the way to the site: it works for as long as it lives.
    const detail = 'A newer license of this site was issued; use that one.';
    return [{ code: 'SUPERSEDED', severity: 'warning', conclusive: true, detail }, 'renew-soon'];
  }
  return [undefined, 'valid'];
}

function refused(code: LicenseFinding['code'], detail: string, state: State): Status {
  return [{ code, severity: 'error', conclusive: true, detail }, state];
}
