import type { Retained, Retention } from '../licensing/ports/retention.ts';
import { sql } from './transactions.ts';

const removing = (table: string, end: string, over = 'true'): string =>
  `delete from ${table} where id in (
     select id from ${table} where ${end} < $1 and ${over} order by ${end} limit $2 for update skip locked)
   returning 1`;

const FORGETTING: Readonly<Record<Retained, string>> = {
  // The id stands in the audit log; nothing else of the person stays. Who was here before, and was invited again for a new
  // password, is no guest who never came: it may be an owner, and its tokens are at work.
  invitation: `update people
      set status = 'erased', roles = '[]', email = null, name = null, password = null, totp = null,
          recovery_codes = '[]', invitation = null, invited_until = null, issuer = null, subject = null,
          updated_at = now(), version = version + 1
    where id in (select id from people as p where status = 'invited' and invited_until < $1
                    and not exists (
                      select from audit_log as a
                       where a.organization = p.organization and a.subject = 'person:' || p.id
                         and a.action in ('person.accepted', 'person.linked'))
                  order by invited_until limit $2 for update skip locked)
    returning 1`,
  'api-token': removing('api_tokens', 'expires_at'),
  'enrolment-token': removing('enrolment_tokens', 'expires_at'),
  approval: removing('approval_requests', 'expires_at'),
  alert: removing('alerts', 'last_at', `status = 'resolved'`),
};

export const retention: Retention = {
  forget: async (tx, kind, before, limit) => (await sql(tx).query(FORGETTING[kind], [before, limit])).length,
};
