import type { Migration } from './migration.ts';
import { unforced } from './protect.ts';

const TOKEN = '^token:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})$';

/** Which token has made a token, so that it ends with that one. Of those that are there it stands in the audit log. */
const statements = [
  'alter table api_tokens add column parent uuid',
  ...unforced(
    ['api_tokens', 'audit_log'],
    `update api_tokens as t set parent = substring(a.actor from '${TOKEN}')::uuid
     from audit_log as a
    where a.organization = t.organization and a.subject = 'token:' || t.id
      and a.action = 'token.created' and a.actor ~ '${TOKEN}'`,
  ),
  'create index api_tokens_of_parent on api_tokens (organization, parent) where parent is not null',
];

export const madeTokens: Migration = {
  name: '0023-made-tokens',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
