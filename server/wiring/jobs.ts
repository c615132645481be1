import type { Config } from '../config/index.ts';
import type { Ground } from '../ground.ts';
import { systemClock as clock } from '../clock.ts';
import { crashPoint } from '../crash-point.ts';
import { type Deliverer, startDeliverer, type Subscriber } from '../jobs/outbox-deliverer.ts';
import { housekeeping } from '../jobs/housekeeping.ts';
import type { Job } from '../jobs/job.ts';
import { retentionJob } from '../jobs/retention.ts';
import { type Schedule, startSchedule } from '../jobs/schedule.ts';
import { makeCertificatePartitions } from '../persistence/authority/partitions.ts';
import type { Database } from '../persistence/database.ts';
import { idempotencyKeys } from '../persistence/idempotency.ts';
import { jobRuns } from '../persistence/job-runs.ts';
import { leases } from '../persistence/leases.ts';
import type { Retained } from '../licensing/ports/retention.ts';
import { outbox } from '../persistence/outbox.ts';
import { retention } from '../persistence/retention.ts';
import { systemRandom as random } from '../random.ts';

/** What every server does at set times, whatever else it is used for. */
export function commonJobs({ retention: days }: Config, database: Database): readonly Job[] {
  return [
    ...housekeeping({ transactions: database, outbox, idempotencyKeys, eventDays: days.eventDays }),
    retentionJob({ transactions: database, clock, retention, days: retainedFor(days) }),
    {
      name: 'certificate-partitions',
      cron: '7 3 * * *',
      timeoutSeconds: 60,
      catchUp: true,
      async run({ assertHeld }) {
        await database.run('platform', async (tx) => {
          await assertHeld(tx);
          await makeCertificatePartitions(tx, clock.now());
        });
      },
    },
  ];
}

const retainedFor = (days: Config['retention']): Readonly<Record<Retained, number>> => ({
  invitation: days.invitationDays,
  'api-token': days.apiTokenDays,
  'enrolment-token': days.enrolmentTokenDays,
  approval: days.approvalDays,
  alert: days.alertDays,
});

export type Work = {
  readonly jobs: readonly Job[];
  readonly subscribers: readonly Subscriber[];
  readonly holder: string;
};

/** Starts what runs by itself, and has it stopped before the database is closed. */
export async function openWork({ log, metrics, lifecycle }: Ground, database: Database, work: Work): Promise<void> {
  metrics.know({ jobs: work.jobs.map(({ name }) => name) });
  const schedule: Schedule = startSchedule(work.jobs, {
    clock,
    transactions: database,
    leases,
    runs: jobRuns,
    log: log.with({ component: 'jobs' }),
    holder: work.holder,
    onRun: ({ seconds, ...labels }) => metrics.jobRan(labels, seconds),
  });
  lifecycle.add({ name: 'jobs', stop: () => schedule.stop() });
  const delivery = {
    transactions: database,
    outbox,
    random,
    log: log.with({ component: 'outbox' }),
    // A revocation is to be visible within a second (P9), and this is the longest part of its way.
    pollMs: 250,
    crashPoint: () => crashPoint('outbox.sending'),
  };
  const deliverer: Deliverer = await startDeliverer(work.subscribers, delivery);
  lifecycle.add({ name: 'outbox', stop: () => deliverer.stop() });
}
