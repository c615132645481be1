import { type Claims, emptyRights, excess, meet } from '@licet/format';
import { AuthorityError } from '../errors.ts';
import type { Profile } from '../profiles/profile.ts';
import type { IssuerGeneration } from './issuer-generation.ts';

/** What is asked for, and what the contract allows where one stands behind the request. */
export type ClaimsRequest = { readonly claims?: Claims; readonly contract?: Claims };

/**
 * The claims that go into the certificate: never above the contract and never above what the issuer's own chain is
 * worth. Whoever asks for more is refused, with each claim named: a silent cut would be a license that the customer
 * did not order. (Verifiers cut silently, because the issuer may have shrunk since.)
 */
export function grantedClaims(profile: Profile, request: ClaimsRequest, issuer: IssuerGeneration): Claims | undefined {
  const { claims, contract } = request;
  if (profile.claims === 'none') {
    if (claims === undefined) return undefined;
    throw new AuthorityError('CLAIMS_ABOVE_PARENT', `Profile "${profile.name}" carries no claims.`);
  }
  if (claims === undefined) throw new AuthorityError('LINT_FAILED', `Profile "${profile.name}" needs claims.`);
  let granted = claims;
  const above: string[] = [];
  for (const [parent, rights] of [['the contract', contract] as const, ['the issuer', issuer.claims] as const]) {
    if (rights === undefined) continue;
    // What exceeds neither is the meet with both, so the last of them is what is granted.
    granted = meet(rights, claims);
    for (const { claim, detail } of excess(rights, claims, granted)) above.push(`${claim}: ${detail} (${parent})`);
  }
  if (above.length > 0) {
    throw new AuthorityError('CLAIMS_ABOVE_PARENT', `More is asked for than may be given: ${above.join('; ')}.`, {
      details: above,
    });
  }
  const empty = emptyRights(granted);
  if (empty.length > 0) {
    throw new AuthorityError('CLAIMS_ABOVE_PARENT', `Nothing is left to be granted: ${empty.join(', ')} empty.`, {
      details: empty,
    });
  }
  return granted;
}
