import type { PublishedCrl, ShardStanding } from '../../ports/revocation-store.ts';

export type CrlSettings = {
  /** From publication to nextUpdate: how long the world can do without us. */
  readonly validSeconds: number;
  /** A CRL this old is made anew though nothing has changed. */
  readonly refreshSeconds: number;
  /** Clocks of sites run late by minutes, and a CRL from the future is none. */
  readonly backDatingSeconds: number;
};

export const CRL_SETTINGS: CrlSettings = {
  validSeconds: 7 * 86_400,
  refreshSeconds: 12 * 3600,
  backDatingSeconds: 300,
};

/** By which the clocks of servers may differ. */
const SKEW_MS = 60_000;

/** Whether a shard is to have a list now. */
export function isDue(standing: ShardStanding | undefined, now: Date, { refreshSeconds }: CrlSettings): boolean {
  if (standing?.crl === undefined) return true;
  const age = now.getTime() - standing.crl.publishedAt.getTime();
  // One from the future is due at once: so that it is followed, or somebody is told each time that it cannot be.
  return standing.lastChange > standing.crl.covers || age >= refreshSeconds * 1000 || isFromFuture(standing.crl, now);
}

/** The clock by which it was made was ahead, or the one that says `now` is behind. */
export const isFromFuture = ({ thisUpdate }: Pick<PublishedCrl, 'thisUpdate'>, now: Date): boolean =>
  thisUpdate.getTime() - now.getTime() > SKEW_MS;
