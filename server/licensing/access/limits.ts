import { LicetError } from '../errors.ts';
import type { Principal } from '../model/principal.ts';
import type { Clock } from '../ports/clock.ts';
import { networkOf } from './address.ts';
import { type Rate, take } from './rate.ts';

export const LIMITED = ['organization', 'token', 'site', 'address'] as const;
export type Limited = (typeof LIMITED)[number];
export type Rates = Readonly<Record<Limited, Rate>>;

/** Per process: with n servers behind a balancer everybody has up to n times as much. */
export interface Limiter {
  /** Rejects with TOO_MANY_REQUESTS. Before it is known who asks. */
  address(address: string): void;
  /** Rejects with TOO_MANY_REQUESTS, naming what ran over. */
  principal(principal: Principal): void;
}

/** Enough for every caller of a large vendor; beyond that who was silent longest starts afresh. */
const MOST_KEYS = 100_000;

export function createLimiter(rates: Rates, clock: Clock, mostKeys = MOST_KEYS): Limiter {
  const arrivals = new Map<string, number>();
  const spend = (limited: Limited, name: string): void => {
    const key = `${limited} ${name}`;
    const { arrival, wait } = take(rates[limited], arrivals.get(key), clock.now().getTime());
    // Anew at the end: the order of a Map is the order of use.
    arrivals.delete(key);
    if (arrivals.size >= mostKeys) arrivals.delete(arrivals.keys().next().value ?? '');
    arrivals.set(key, arrival);
    if (wait > 0) throw tooMany(limited, wait / 1000);
  };
  return {
    address: (address) => spend('address', networkOf(address)),
    principal({ kind, id, organization, site }) {
      // The narrowest first: who is refused there takes nothing from all the others of the organization.
      if (site !== undefined) spend('site', site);
      else if (kind === 'token') spend('token', id);
      spend('organization', organization);
    },
  };
}

const NAMES: Readonly<Record<Limited, string>> = {
  organization: 'your organization',
  token: 'this token',
  site: 'this site',
  address: 'this address',
};

function tooMany(limited: Limited, seconds: number): LicetError {
  const wait = Math.max(1, Math.ceil(seconds));
  const message = `There were too many requests from ${NAMES[limited]}; wait ${wait} s before the next one.`;
  return new LicetError('too-many', 'TOO_MANY_REQUESTS', message, { retryAfterSeconds: wait });
}
