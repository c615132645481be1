import type { Bytes } from '@licet/format';
import type { SignedRequest } from '@licet/verify';
import { LicetError } from '../errors.ts';
import { presentBySignature, type PresentDeps, type Presented, presentLicense } from '../identity/present-license.ts';
import type { Principal } from '../model/principal.ts';
import type { Action } from './actions.ts';

export type SignatureDeps = PresentDeps & {
  /** Notes that this license has signed a request with this nonce. False: it has before. */
  readonly useOnce: (
    license: Pick<SignedRequest, 'organization' | 'serial'>,
    nonce: string,
    until: Date,
  ) => Promise<boolean>;
};

/** A request, and what the key of a license has made of it. */
export type Signed = { readonly request: SignedRequest; readonly signature: Bytes };

const RENEWAL_ONLY: readonly Action[] = ['license.renew'];

/** By which the clock of a site may be wrong, and how long a request may be under way. */
const SIGNED_WITHIN_MS = 5 * 60_000;

/**
 * The site that a TLS client is, by its license and by what the database says of it at this moment, so with every request
 * of an open connection too. A license in its grace, or one that was renewed already (its answer may have been lost),
 * is good for a renewal and nothing else.
 */
export async function authenticateLicense(shown: Bytes, deps: PresentDeps): Promise<Principal> {
  return siteOf(await presentLicense(shown, deps));
}

/**
 * The same by a signature over the request, for keys that no TLS handshake can use and for ways on which TLS ends early.
 * It is good for a few minutes and once: who overhears it gets nothing for it.
 */
export async function authenticateSignature({ request, signature }: Signed, deps: SignatureDeps): Promise<Principal> {
  const now = deps.clock.now();
  const created = new Date(request.created * 1000);
  if (Math.abs(created.getTime() - now.getTime()) > SIGNED_WITHIN_MS) {
    const times = `The request was signed at ${created.toISOString()}, and here it is ${now.toISOString()}`;
    throw new LicetError('forbidden', 'PROOF_STALE', `${times}; set the clock of the site, and sign it anew.`);
  }
  const principal = siteOf(await presentBySignature(request, signature, deps));
  // Kept for as long as the time would be believed by a server whose clock is as wrong as a site's may be.
  const until = new Date(created.getTime() + 2 * SIGNED_WITHIN_MS);
  if (await deps.useOnce(request, request.nonce, until)) return principal;
  const message = 'This very request was here before; sign it anew, with another nonce.';
  throw new LicetError('forbidden', 'PROOF_USED', message);
}

function siteOf({ principal, isExpired, status, siteStatus }: Presented): Principal {
  if (siteStatus !== 'active') {
    throw new LicetError('forbidden', 'SITE_NOT_ACTIVE', `This site is ${siteStatus}; ask your vendor why.`);
  }
  const isCurrent = status === 'current' && !isExpired;
  return isCurrent ? principal : { ...principal, actions: RENEWAL_ONLY };
}
