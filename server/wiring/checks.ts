import type { Settled } from '@licet/authority';
import { toHex } from '@licet/format';
import { checkWholeJournal } from '../authority/journal-check.ts';
import { lostKeys, sayLost } from '../authority/lost-keys.ts';
import type { Job } from '../jobs/job.ts';
import { checkAudit } from '../licensing/audit/check.ts';
import { describeReport } from '../licensing/audit/export.ts';
import { auditLog } from '../persistence/audit-log.ts';
import type { Database } from '../persistence/database.ts';
import { ABANDONED_AFTER_MS, type AuthorityParts } from './authority.ts';

/** Long journals and chains take long, and what is younger than a check is checked by the next. */
const MOST_SECONDS = 6 * 3600;

/** What is looked after without being asked for: a job that fails is counted as such, and its reason is in the log. */
export function checkJobs(database: Database, { journal, fence, settle }: AuthorityParts): readonly Job[] {
  return [
    {
      // What a process left behind that died, and that nobody has asked for again.
      name: 'settle-unfinished-orders',
      cron: '* * * * *',
      timeoutSeconds: 120,
      async run() {
        fence.assertOpen();
        const { left } = await settle(ABANDONED_AFTER_MS);
        if (left.length > 0) throw new Error(left.map(describeLeft).join(' '));
      },
    },
    {
      name: 'verify-journal',
      cron: '23 2 * * *',
      timeoutSeconds: MOST_SECONDS,
      catchUp: true,
      async run({ signal }) {
        await checkWholeJournal(journal, signal);
      },
    },
    {
      name: 'verify-keys',
      cron: '13 * * * *',
      timeoutSeconds: 300,
      async run() {
        const lost = await lostKeys(journal);
        if (lost.length > 0) throw new Error(lost.map(sayLost).join(' '));
      },
    },
    {
      name: 'verify-audit',
      cron: '53 2 * * *',
      timeoutSeconds: MOST_SECONDS,
      catchUp: true,
      run: ({ signal }) => verifyAudit(database, signal),
    },
  ];
}

const describeLeft = ({ intent, reason }: Settled['left'][number]): string =>
  `The order of serial ${toHex(intent.serial)} is neither completed nor closed: ${reason.message}`;

async function verifyAudit(database: Database, signal: AbortSignal): Promise<void> {
  const broken: string[] = [];
  for await (const report of checkAudit(database, auditLog)) {
    signal.throwIfAborted();
    if (report.finding !== undefined) broken.push(describeReport(report));
  }
  if (broken.length > 0) throw new Error(broken.join(' '));
}
