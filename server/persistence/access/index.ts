import type { AccessStores } from '../../licensing/access/ports.ts';
import { createCollection } from '../licensing/collection.ts';
import { sql } from '../transactions.ts';
import { credentials } from './credentials.ts';
import { quotas } from './quotas.ts';
import { approvalSchema, personSchema, providerSchema, sessionSchema, tokenSchema } from './schemas.ts';
import { signIns } from './sign-ins.ts';
import { throttles } from './throttles.ts';

export const accessStores: AccessStores = {
  people: createCollection(personSchema, 'person'),
  tokens: createCollection(tokenSchema, 'token'),
  sessions: createCollection(sessionSchema, 'session'),
  providers: createCollection(providerSchema, 'provider'),
  async removeProvider(tx, id) {
    await sql(tx).query('delete from sign_in_providers where id = $1', [id]);
  },
  async removeMailRecipient(tx, address) {
    await sql(tx).query(
      `with removed as (delete from mail_recipients where lower(address) = lower($1) returning id)
       delete from deliveries where receiver in (select id from removed)`,
      [address],
    );
  },
  approvals: createCollection(approvalSchema, 'approval'),
  credentials,
  throttles,
  signIns,
  quotas,
};
