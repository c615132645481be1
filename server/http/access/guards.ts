import type { Request } from 'express';
import type { Bytes } from '@licet/format';
import { type Action, changesLicensing, ESSENTIAL, UNMETERED } from '../../licensing/access/actions.ts';
import type { Signed } from '../../licensing/access/authenticate-license.ts';
import type { Authenticated, Authenticator } from '../../licensing/access/authenticate.ts';
import { boundsOf } from '../../licensing/access/authorize.ts';
import type { Limiter } from '../../licensing/access/limits.ts';
import type { MonthlyRequests } from '../../licensing/access/monthly.ts';
import { LicetError } from '../../licensing/errors.ts';
import type { Principal } from '../../licensing/model/principal.ts';
import type { Log } from '../../log/log.ts';
import { clientCertificate } from '../client-certificate.ts';
import { isOpen, type Open } from '../api/endpoint.ts';
import type { Route, Step } from '../routes.ts';
import { principalOf, setPrincipal } from './principal.ts';
import { isSigned, signedRequest } from './signed-request.ts';

export type GuardDeps = {
  readonly authenticator: Authenticator;
  /** The site of a TLS client; undefined where no client certificate is asked for. */
  readonly license: ((shown: Bytes) => Promise<Principal>) | undefined;
  /** The site whose license has signed the request. */
  readonly signature: (signed: Signed) => Promise<Principal>;
  readonly limiter: Limiter;
  readonly monthly: MonthlyRequests;
  /** Rejects while the database is older than what was signed. */
  readonly assertUnfenced: () => Promise<void>;
  readonly log: Log;
};

export type Guards = Required<Pick<Route, 'limits' | 'guards'>>;

/** The guards of a route, in the order in which they refuse: how often, who, how often that one, whether at all, whether now. */
export function guardsFor(action: Action | Open, deps: GuardDeps): Guards {
  // What anyone may ask is about nobody, so a limiter that fails lets it through.
  if (isOpen(action)) return { limits: [limitAddress(deps, action === 'anyone' ? 'open' : 'closed')], guards: [] };
  const failure = ESSENTIAL.includes(action) ? 'open' : 'closed';
  return {
    limits: [limitAddress(deps, failure)],
    guards: [
      authenticate(deps),
      limitPrincipal(action, deps, failure),
      mayAtAll(action),
      ...(changesLicensing(action) ? [deps.assertUnfenced] : []),
    ],
  };
}

/** What becomes of a request when the limiter itself fails. */
export type OnFailure = 'open' | 'closed';

export const limitAddress =
  ({ limiter, log }: GuardDeps, failure: OnFailure): Step =>
  (request) =>
    limited(() => limiter.address(addressOf(request)), failure, log);

export const limitPrincipal =
  (action: Action, deps: GuardDeps, failure: OnFailure): Step =>
  (request) =>
    countPrincipal(principalOf(request), action, deps, failure);

/** For protocols that find out by themselves who asks. */
export const countPrincipal = (
  principal: Principal,
  action: Action,
  { limiter, monthly, log }: GuardDeps,
  failure: OnFailure,
): Promise<void> =>
  limited(
    async () => {
      limiter.principal(principal);
      if (!UNMETERED.includes(action)) await monthly.count(principal);
    },
    failure,
    log,
  );

async function limited(count: () => void | Promise<void>, failure: OnFailure, log: Log): Promise<void> {
  try {
    await count();
  } catch (error) {
    if (error instanceof LicetError && error.kind === 'too-many') throw error;
    const outcome = failure === 'open' ? 'goes through' : 'is refused';
    log.warn({ err: error }, `a request could not be counted and ${outcome}`);
    if (failure === 'open') return;
    const message = 'Requests cannot be counted at this moment, so this one is not served; try again soon.';
    throw new LicetError('unavailable', 'LIMITER_UNAVAILABLE', message, { retryAfterSeconds: 5, cause: error });
  }
}

/** A bearer token, or a signature by the key of a license, or the license of a site as TLS client certificate. */
export const authenticate =
  (deps: GuardDeps): Step =>
  async (request) =>
    setPrincipal(request, await whoAsks(request, deps));

async function whoAsks(request: Request, { authenticator, license, signature }: GuardDeps): Promise<Authenticated> {
  const { authorization } = request.headers;
  if (authorization !== undefined) return authenticator.bearer(bearerOf(authorization));
  if (isSigned(request)) return { principal: await signature(signedRequest(request)), session: undefined };
  const shown = license && clientCertificate(request);
  if (license === undefined || shown === undefined) return authenticator.bearer('');
  return { principal: await license(shown), session: undefined };
}

/** RFC 6750 §2.1: in the header and nowhere else, since addresses stand in logs. */
function bearerOf(authorization: string): string {
  return /^bearer ([^\s]{1,256})$/i.exec(authorization)?.[1] ?? '';
}

/** Who may never do this hears so before a byte of the body is read. Where it may is for the use case to decide. */
export const mayAtAll =
  (action: Action): Step =>
  (request) =>
    void boundsOf(principalOf(request), action);

/** By way of the proxies that are trusted. */
export const addressOf = (request: Request): string => request.ip ?? request.socket.remoteAddress ?? 'unknown';
