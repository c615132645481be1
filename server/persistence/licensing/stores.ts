import type { Stores } from '../../licensing/ports/stores.ts';
import { alerts } from './alerts.ts';
import { catalogs } from './catalogs.ts';
import { collections } from './collections.ts';
import { deliveries } from './deliveries.ts';
import { enrolmentTokens } from './enrolment-tokens.ts';
import { licenses } from './licenses.ts';
import { notices } from './notices.ts';
import { personalData } from './personal-data.ts';
import { seats } from './seats.ts';
import { usage } from './usage.ts';
import { sql } from '../transactions.ts';

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
  personalData,
  deliveries,
  async removeReceiver(tx, id) {
    await deliveries.forget(tx, id);
    await sql(tx).query('delete from webhooks where id = $1', [id]);
    await sql(tx).query('delete from mail_recipients where id = $1', [id]);
  },
};
