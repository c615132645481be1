import type { Stores } from '../../licensing/ports/stores.ts';
import { alerts } from './alerts.ts';
import { catalogs } from './catalogs.ts';
import { collections } from './collections.ts';
import { enrolmentTokens } from './enrolment-tokens.ts';
import { licenses } from './licenses.ts';
import { notices } from './notices.ts';
import { seats } from './seats.ts';
import { usage } from './usage.ts';

/** Everything that the licensing domain keeps, in PostgreSQL. */
export const stores: Stores = {
  ...collections,
  catalogs,
  seats,
  licenses,
  tokens: enrolmentTokens,
  usage,
  alerts,
  notices,
};
