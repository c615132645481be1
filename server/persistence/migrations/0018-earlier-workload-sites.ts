import type { Migration } from './migration.ts';

const RULE = '^identity:([0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}):';

/**
 * The sites of builds that were there before 0016: who has made a site stands in the audit log, and no person's or
 * token's name begins like that of a trust rule. Forced row-level security would hide every row from the owner as well.
 */
const statements = [
  'alter table sites no force row level security',
  'alter table audit_log no force row level security',
  `update sites as s set trust_rule = substring(a.actor from '${RULE}')::uuid
     from audit_log as a
    where s.trust_rule is null and a.organization = s.organization and a.subject = 'site:' || s.id
      and a.action = 'site.created' and a.actor ~ '${RULE}'`,
  'alter table audit_log force row level security',
  'alter table sites force row level security',
];

export const earlierWorkloadSites: Migration = {
  name: '0018-earlier-workload-sites',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
