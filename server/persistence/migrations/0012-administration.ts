import type { Migration } from './migration.ts';

const statements = [
  // What happened to one thing is what an audit log is asked most.
  'create index audit_log_by_subject on audit_log (organization, subject, sequence)',
  // Licenses as people look at them: by their end.
  'create index licenses_by_end on licenses (organization, not_after, serial)',
  // Almost no lineage is forked, and those that are have to be found.
  `create index lineages_forked on lineages (organization, id) where status = 'forked'`,
  // An incident that was declared by mistake stays readable.
  'alter table renewal_incidents add column lifted_at timestamptz(3), add column lifted_by text',
  // What retention walks, from its old end.
  'create index enrolment_tokens_by_expiry on enrolment_tokens (expires_at)',
  `create index alerts_resolved on alerts (last_at) where status = 'resolved'`,
  'create index approval_requests_by_expiry on approval_requests (expires_at)',
  'create index api_tokens_by_expiry on api_tokens (expires_at)',
  `create index people_invited on people (invited_until) where status = 'invited'`,
];

/** What the administration lists, finds and, when its time is over, forgets. */
export const administration: Migration = {
  name: '0012-administration',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
