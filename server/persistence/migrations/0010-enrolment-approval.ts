import type { Migration } from './migration.ts';

/** An enrolment that a person has to approve: who asked with the token, and what was decided. */
const statements = [
  `alter table enrolment_tokens
     add column approval text check (approval in ('needed', 'given', 'declined')),
     add column decided_by text,
     add column asked_request bytea,
     add column asked_key bytea,
     add column asked_name text,
     add column asked_at timestamptz(3),
     add check ((asked_request is null) = (asked_at is null) and (asked_request is null) = (asked_key is null))`,
  `create index enrolment_tokens_waiting on enrolment_tokens (organization, id)
    where approval = 'needed' and asked_request is not null`,
];

export const enrolmentApproval: Migration = {
  name: '0010-enrolment-approval',
  async up(query) {
    for (const statement of statements) await query(statement);
  },
};
