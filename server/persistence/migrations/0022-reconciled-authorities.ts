import type { Migration } from './migration.ts';
import { unforced } from './protect.ts';

const RECONCILED = `kept_until = '9999-12-31 00:00:00Z' and context ->> 'principal' = 'reconcile'`;

/**
 * `licet reconcile` took the keys of CAs for those of lineages, so that such a CA could not be certified anew: whose they
 * are is said by who asks next. And it did not say for which contract a CA is, so that one which its enterprise keeps was
 * not revoked with the others.
 */
const statements = unforced(
  ['public_keys', 'certificates'],
  `update public_keys set owner = 'reconciled ' || encode(hash, 'hex')
    where owner in (select 'lineage ' || (context ->> 'grant') from certificates where ${RECONCILED})`,
  `update certificates set context = context || jsonb_build_object('contract', context ->> 'grant')
    where ${RECONCILED} and profile = 'enterprise' and context ? 'grant'`,
);

export const reconciledAuthorities: Migration = {
  name: '0022-reconciled-authorities',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
