import type { JobRun, JobRuns, RunResult } from '../licensing/ports/job-runs.ts';
import { sql } from './transactions.ts';

/** Of an error message; the whole story is in the log. */
const MAX_ERROR = 2_000;

/**
 * By which clocks of servers differ. A slot that is further off, both from the one that is asked for and by the clock of
 * the database (either may be behind), comes from a clock that was ahead: all that follow would count as older for as long.
 */
const SKEW = '2 minutes';

export const jobRuns: JobRuns = {
  async start(tx, slot, holder) {
    await sql(tx).query(
      `delete from job_runs where job = $1 and slot > greatest(clock_timestamp(), $2) + interval '${SKEW}'`,
      [slot.job, slot.at],
    );
    const rows = await sql(tx).query(
      `insert into job_runs (job, slot, holder)
       select $1, $2, $3 where not exists (select 1 from job_runs where job = $1 and slot >= $2)
       on conflict do nothing returning 1`,
      [slot.job, slot.at, holder],
    );
    return rows.length === 1;
  },

  async unfinished(tx) {
    const rows = await sql(tx).query<{ job: string }>(
      'select distinct job from job_runs where finished_at is null order by job',
    );
    return rows.map((row) => row.job);
  },

  async takeOver(tx, job, holder, maxAttempts) {
    const [row] = await sql(tx).query<{ slot: Date }>(
      `update job_runs set holder = $2, attempts = attempts + 1, started_at = clock_timestamp()
        where ${UNFINISHED} and slot = (${NEWEST}) and attempts < $3
        returning slot`,
      [job, holder, maxAttempts],
    );
    await sql(tx).query(
      `update job_runs set finished_at = clock_timestamp(), result = 'failed',
              error = 'the process that ran it ended before it did'
        where ${UNFINISHED} and (slot <> (${NEWEST}) or $2)`,
      [job, row === undefined],
    );
    return row === undefined ? undefined : { job, at: row.slot };
  },

  async finish(tx, slot, result, error, keep) {
    await sql(tx).query(
      `update job_runs set finished_at = clock_timestamp(), result = $3, error = $4 where job = $1 and slot = $2`,
      [slot.job, slot.at, result, error?.slice(0, MAX_ERROR).replaceAll('\0', '') ?? null],
    );
    await sql(tx).query(
      `delete from job_runs where job = $1
          and slot < (select slot from job_runs where job = $1 order by slot desc offset $2 limit 1)`,
      [slot.job, keep - 1],
    );
  },

  async history(tx, job, limit) {
    const rows = await sql(tx).query<StoredRun>(
      `select job, slot, holder, attempts, started_at, finished_at, result, error
         from job_runs where job = $1 order by slot desc limit $2`,
      [job, limit],
    );
    return rows.map(runOf);
  },
};

const UNFINISHED = 'job = $1 and finished_at is null';
const NEWEST = 'select max(slot) from job_runs where job = $1';

type StoredRun = {
  job: string;
  slot: Date;
  holder: string;
  attempts: number;
  started_at: Date;
  finished_at: Date | null;
  result: RunResult | null;
  error: string | null;
};

function runOf(row: StoredRun): JobRun {
  return {
    slot: { job: row.job, at: row.slot },
    holder: row.holder,
    attempts: row.attempts,
    startedAt: row.started_at,
    finishedAt: row.finished_at ?? undefined,
    result: row.result ?? undefined,
    error: row.error ?? undefined,
  };
}
