import { z } from 'zod';

const days = (fallback: number, what: string) => z.int().min(1).max(36_500).default(fallback).describe(what);

export const retentionSection = z
  .strictObject({
    eventDays: days(7, 'Delivered events, for whoever looks into what was sent.'),
    sessionDays: days(30, 'Ended sessions, so that a refresh token of theirs that comes late is known for stolen.'),
    invitationDays: days(
      30,
      'Invitations that nobody accepted, after their end: whoever was invited, and has never been here, is erased.',
    ),
    apiTokenDays: days(365, 'API tokens, after their end.'),
    enrolmentTokenDays: days(90, 'Enrolment tokens, after their end.'),
    approvalDays: days(365, 'Requests for a second person, after their end.'),
    alertDays: days(365, 'Alerts, after they were resolved.'),
  })
  .prefault({})
  .describe(
    'How many days what is kept, kind by kind; a job removes it every night. Licenses, usage reports, the ledger and the ' +
      'audit log are kept: accounts are made and checked from them. See docs/privacy.md.',
  );
