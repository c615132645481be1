import { excess, MODES } from '@licet/format';
import type { ContractTerm } from '../model/contract.ts';
import type { Terms } from '../model/terms.ts';
import { contractClaims } from './claims.ts';

const ANY_TERM: ContractTerm = { firstDay: '2000-01-01', lastDay: '2000-01-01', timeZone: 'UTC' };
const NO_ID = '00000000-0000-0000-0000-000000000000';

/** Each point in which `terms` grant more than `bounds`, in words; empty: they are within them. */
export function above(
  bounds: Terms,
  terms: Terms,
  term: { of: ContractTerm; within: ContractTerm } | undefined,
): string[] {
  const claimsOf = (sold: Terms, days: ContractTerm) =>
    contractClaims({ id: NO_ID, version: 1, terms: sold, term: days });
  const found = excess(claimsOf(bounds, term?.within ?? ANY_TERM), claimsOf(terms, term?.of ?? ANY_TERM)).map(
    ({ claim, detail }) => `${claim}: ${detail}`,
  );
  for (const mode of MODES) {
    const [allowed, wanted] = [bounds.siteCaps[mode], terms.siteCaps[mode]];
    // A mode that is not sold at all is named by the claims already.
    if (allowed === undefined || allowed === 'unlimited' || wanted === undefined) continue;
    if (wanted === 'unlimited' || wanted > allowed)
      found.push(`siteCaps: ${wanted} ${mode} sites instead of ${allowed}`);
  }
  if (terms.modeChanges && !bounds.modeChanges) found.push('modeChanges: sites may change their mode');
  return found;
}

type Sold = { readonly terms: Terms; readonly term: ContractTerm };

/** Whether a change takes something away (then the older CA certificate must go), and whether it gives more. */
export function direction(before: Sold, after: Sold): { readonly lowers: boolean; readonly raises: boolean } {
  return {
    lowers: above(after.terms, before.terms, { of: before.term, within: after.term }).length > 0,
    raises: above(before.terms, after.terms, { of: after.term, within: before.term }).length > 0,
  };
}
