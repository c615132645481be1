/** The time of the world. Only entry points know the real one; everything else is handed this. */
export interface Clock {
  now(): Date;
}

/** By which the clocks of server and signer may differ. */
export const SKEW_MS = 10 * 60_000;
