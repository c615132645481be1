import { openDatabase, sql } from '../../persistence/database.ts';
import { jobRuns } from '../../persistence/job-runs.ts';
import { leases } from '../../persistence/leases.ts';
import { testDependencies } from '../../persistence/test/dependencies.ts';
import { startSchedule, type Ticker } from '../schedule.ts';

// A server process that only runs jobs, each of them every second, for a test has no minutes. `tick` notes its slot; `hang`
// does so too, says so and never ends when this process is told to hang.
const [url = '', holder = '', mode = ''] = process.argv.slice(2);
const options = { host: 'postgresql', url, poolSize: 4, statementTimeoutMs: 5000, lockTimeoutMs: 2000 } as const;
const deps = testDependencies();
const database = await openDatabase(options, deps);
const note = async (job: string, slot: Date): Promise<void> => {
  await database.run('platform', (tx) => sql(tx).query('insert into ticks values ($1, $2, $3)', [job, slot, holder]));
};
const everySecond: Ticker = (_job, onSlot) => {
  let timer: NodeJS.Timeout;
  const wait = (): void => {
    timer = setTimeout(look, 1000 - (Date.now() % 1000));
  };
  const look = (): void => {
    onSlot(new Date(Math.floor(Date.now() / 1000) * 1000));
    wait();
  };
  wait();
  return { stop: () => clearTimeout(timer) };
};
const schedule = startSchedule(
  [
    {
      name: mode,
      cron: '* * * * *',
      timeoutSeconds: 60,
      run: async ({ slot }) => {
        await note(mode, slot);
        if (mode === 'hang' && holder === 'first') await new Promise(() => process.send?.('hanging'));
      },
    },
  ],
  { ...deps, transactions: database, leases, runs: jobRuns, holder, leaseSeconds: 1, ticker: everySecond },
);
process.on('message', () => {
  void schedule
    .stop()
    .then(() => database.close())
    .then(() => process.disconnect());
});
process.send?.('ready');
