import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

export type JobResult = 'succeeded' | 'failed' | 'timed-out' | 'lost';

export type JobMetrics = {
  readonly ran: (labels: { readonly job: string; readonly result: JobResult }, seconds: number) => void;
  /** From now on their silence counts. */
  readonly know: (jobs: Iterable<string>) => void;
};

export function jobMetrics(registry: Registry): JobMetrics {
  const registers = [registry];
  const runs = new Counter({
    name: 'licet_job_runs_total',
    help: 'Runs of the scheduled jobs in this process, by result; lost means that another process took over.',
    labelNames: ['job', 'result'],
    registers,
  });
  const duration = new Histogram({
    name: 'licet_job_duration_seconds',
    help: 'Time that a run of a scheduled job took.',
    labelNames: ['job'],
    buckets: [0.01, 0.1, 1, 10, 60, 600],
    registers,
  });
  // By a clock that nobody sets: the jobs may be silent because the other one was wrong.
  const successes = new Map<string, number>();
  const succeeded = (job: string): void => void successes.set(job, performance.now());
  const ages = new Gauge({
    name: 'licet_job_success_age_seconds',
    help: 'Time since a scheduled job last succeeded in this process, or since the process began.',
    labelNames: ['job'],
    registers: [],
    collect() {
      for (const [job, at] of successes) this.set({ job }, (performance.now() - at) / 1000);
    },
  });
  registry.registerMetric(ages);
  return {
    ran({ job, result }, seconds) {
      runs.inc({ job, result });
      duration.observe({ job }, seconds);
      if (result === 'succeeded') succeeded(job);
    },
    know(jobs) {
      for (const job of jobs) if (!successes.has(job)) succeeded(job);
    },
  };
}
