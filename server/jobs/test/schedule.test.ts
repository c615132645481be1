import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mock } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

import { ManualClock } from '../../licensing/test/manual-clock.ts';
import { sql } from '../../persistence/database.ts';
import { jobRuns } from '../../persistence/job-runs.ts';
import { leases } from '../../persistence/leases.ts';
import { testDependencies } from '../../persistence/test/dependencies.ts';
import { onBothHosts } from '../../persistence/test/test-database.ts';
import type { Job, JobContext, JobReport } from '../job.ts';
import { latestSlot, minuteTicker, type Schedule, startSchedule, type Ticker } from '../schedule.ts';

const minute = (n: number): Date => new Date(Date.UTC(2026, 0, 1, 0, n));
const never = (signal: AbortSignal): Promise<never> =>
  new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason as Error)));

onBothHosts('The schedule', (getDatabase, host) => {
  let name: string;
  let number = 0;
  let reports: JobReport[];
  let schedules: Schedule[];
  let fire: ((at: Date) => void)[];
  beforeEach(() => {
    number += 1;
    name = `job-${number}`;
    reports = [];
    schedules = [];
    fire = [];
  });
  afterEach(() => Promise.all(schedules.map((schedule) => schedule.stop(0))));

  const ticker: Ticker = (_job, onSlot) => {
    fire.push(onSlot);
    return { stop: () => undefined };
  };
  const start = (
    run: Job['run'],
    change: Partial<Job> = {},
    leaseSeconds = 30,
    clock = new ManualClock(),
  ): Schedule => {
    const holder = `process-${schedules.length}`;
    const job: Job = { name, cron: '* * * * *', timeoutSeconds: 10, run, ...change };
    const schedule = startSchedule([job], {
      transactions: getDatabase(),
      leases,
      runs: jobRuns,
      holder,
      leaseSeconds,
      clock,
      ticker,
      log: testDependencies().log,
      onRun: (report) => reports.push(report),
    });
    schedules.push(schedule);
    return schedule;
  };
  const history = () => getDatabase().run('platform', (tx) => jobRuns.history(tx, name, 1_000));
  const finished = async (count: number): Promise<void> => {
    while (reports.length < count) await pause(2);
  };

  it('runs each slot once though two processes fire it, over many slots', async () => {
    const slots: number[] = [];
    const run = async ({ slot }: JobContext): Promise<void> => void slots.push(slot.getTime());
    start(run);
    start(run);
    const wanted = Array.from({ length: 40 }, (_, n) => minute(n));
    for (const [n, at] of wanted.entries()) {
      for (const onSlot of n % 2 === 0 ? fire : [...fire].reverse()) onSlot(at);
      await finished(n + 1);
    }
    assert.deepEqual(slots, wanted.map(Number));
    assert.equal((await history()).length, 40);
  });

  it('does not run a slot again, nor one that is older than what was run', async () => {
    start(async () => undefined);
    fire[0]!(minute(5));
    await finished(1);
    for (const at of [minute(5), minute(4)]) fire[0]!(at);
    await schedules[0]!.stop();
    assert.deepEqual(
      (await history()).map((run) => run.slot.at),
      [minute(5)],
    );
  });

  it('goes on with the right time after a clock was ahead, and takes up nothing from then', async () => {
    const ahead = new Date(Date.now() + 2 * 86_400_000);
    const now = new Date();
    await getDatabase().run('platform', async (tx) => {
      for (const [n, day] of [0, 1].entries()) {
        const slot = { job: name, at: new Date(ahead.getTime() + day * 86_400_000) };
        await jobRuns.start(tx, slot, 'ahead');
        if (n === 0) await jobRuns.finish(tx, slot, 'succeeded', undefined, 100);
      }
    });
    const slots: Date[] = [];
    start(async ({ slot }) => void slots.push(slot));
    fire[0]!(now);
    await finished(1);
    fire[0]!(now);
    await schedules[0]!.stop();
    assert.deepEqual(slots, [now]);
    assert.deepEqual(
      (await history()).map((run) => run.slot.at),
      [now],
    );
  });

  it('runs each slot once though the clock of the database is behind', async () => {
    const ahead = (n: number) => new Date(Date.now() + 2 * 86_400_000 + n * 60_000);
    const [first, second] = [ahead(0), ahead(1)];
    start(async () => undefined);
    for (const [n, at] of [first, second].entries()) {
      fire[0]!(at);
      await finished(n + 1);
    }
    for (const at of [first, second]) fire[0]!(at);
    await schedules[0]!.stop();
    assert.deepEqual(
      (await history()).map((run) => run.slot.at),
      [second, first],
    );
  });

  it('skips a slot while the one before is still running, here or elsewhere', async () => {
    const gate = Promise.withResolvers<void>();
    const begun = Promise.withResolvers<void>();
    let runs = 0;
    const run = async (): Promise<void> => {
      runs += 1;
      begun.resolve();
      await gate.promise;
    };
    start(run);
    start(run);
    fire[0]!(minute(1));
    await begun.promise;
    for (const onSlot of fire) onSlot(minute(2));
    await pause(100);
    assert.equal(runs, 1);
    gate.resolve();
    await finished(1);
    fire[1]!(minute(3));
    await finished(2);
    assert.deepEqual(
      (await history()).map((one) => one.slot.at),
      [minute(3), minute(1)],
    );
  });

  it('notes and reports a failure, and goes on', async () => {
    let fails = true;
    start(async () => {
      if (fails) throw new Error('boom');
    });
    fire[0]!(minute(1));
    await finished(1);
    fails = false;
    fire[0]!(minute(2));
    await finished(2);
    const [second, first] = await history();
    assert.deepEqual([first?.result, first?.error], ['failed', 'boom']);
    assert.deepEqual([second?.result, second?.error], ['succeeded', undefined]);
    assert.deepEqual(
      reports.map(({ job, result }) => ({ job, result })),
      [
        { job: name, result: 'failed' },
        { job: name, result: 'succeeded' },
      ],
    );
    assert.ok(reports.every(({ seconds }) => seconds > 0 && seconds < 5));
  });

  it('ends a run at its time-out', async () => {
    start(({ signal }) => never(signal), { timeoutSeconds: 0.1 });
    fire[0]!(minute(1));
    await finished(1);
    assert.equal((await history())[0]?.result, 'timed-out');
  });

  it('keeps the lease of a job that runs longer than the lease', async () => {
    start(() => pause(900), {}, 0.4);
    start(() => assert.fail('must not be taken over'), {}, 0.4);
    fire[0]!(minute(1));
    await finished(1);
    const [run] = await history();
    assert.deepEqual([run?.result, run?.attempts], ['succeeded', 1]);
  });

  it('tells a job that lost its lease, and lets it write nothing more', async () => {
    let written: unknown;
    start(
      async ({ signal, assertHeld }) => {
        await getDatabase().run('platform', (tx) =>
          sql(tx).query(`update leases set token = token + 1, holder = 'thief' where name = $1`, [`job:${name}`]),
        );
        await never(signal).catch(() => undefined);
        written = await getDatabase()
          .run('platform', assertHeld)
          .catch((error: unknown) => error);
      },
      {},
      0.3,
    );
    fire[0]!(minute(1));
    await finished(1);
    assert.match(String(written), /no longer held/);
    assert.equal(reports[0]?.result, 'lost');
  });

  it('waits for the running job when it stops, and starts nothing more', async () => {
    let over = false;
    const schedule = start(async () => {
      await pause(200);
      over = true;
    });
    fire[0]!(minute(1));
    await pause(50);
    await schedule.stop();
    assert.equal(over, true);
    fire[0]!(minute(2));
    await pause(50);
    assert.equal((await history()).length, 1);
  });

  it('tells the running job to end when it cannot wait any longer', async () => {
    const schedule = start(({ signal }) => never(signal));
    fire[0]!(minute(1));
    await pause(50);
    await schedule.stop(50);
    assert.deepEqual([reports[0]?.result, (await history())[0]?.error], ['failed', 'the server stops']);
  });

  it('runs the newest slot that was missed, once, if the job wants that', async () => {
    const slots: Date[] = [];
    const run = async ({ slot }: JobContext): Promise<void> => void slots.push(slot);
    const clock = new ManualClock('2026-03-10T15:30:30Z');
    const daily = { cron: '0 3 * * *', catchUp: true };
    await start(run, daily, 30, clock).stop();
    await start(run, daily, 30, clock).stop();
    await start(run, { ...daily, catchUp: false }, 30, new ManualClock('2026-03-12T15:30:30Z')).stop();
    assert.deepEqual(slots, [new Date('2026-03-10T03:00:00Z')]);
  });

  it('keeps the newest 100 runs of a job', async () => {
    await getDatabase().run('platform', async (tx) => {
      for (let n = 0; n < 103; n += 1) {
        const slot = { job: name, at: minute(n) };
        await jobRuns.start(tx, slot, 'x');
        await jobRuns.finish(tx, slot, 'succeeded', undefined, 200);
      }
    });
    start(async () => undefined);
    fire[0]!(minute(103));
    await finished(1);
    const runs = await history();
    assert.deepEqual([runs.length, runs.at(-1)?.slot.at], [100, minute(4)]);
  });

  it('runs a slot again whose process ended in the middle of it', async () => {
    await getDatabase().run('platform', async (tx) => {
      await leases.acquire(tx, `job:${name}`, 'crashed', 0.1);
      await jobRuns.start(tx, { job: name, at: minute(7) }, 'crashed');
    });
    const slots: Date[] = [];
    start(async ({ slot }) => void slots.push(slot), {}, 0.2);
    await finished(1);
    const [run] = await history();
    assert.deepEqual([run?.holder, run?.attempts, run?.result], ['process-0', 2, 'succeeded']);
    assert.deepEqual(slots, [minute(7)]);
  });

  it('gives up a slot whose process ended three times', async () => {
    await getDatabase().run('platform', async (tx) => {
      await jobRuns.start(tx, { job: name, at: minute(1) }, 'x');
      assert.ok(await jobRuns.takeOver(tx, name, 'y', 3));
      assert.ok(await jobRuns.takeOver(tx, name, 'z', 3));
      assert.equal(await jobRuns.takeOver(tx, name, 'u', 3), undefined);
      assert.ok(!(await jobRuns.unfinished(tx)).includes(name));
    });
    assert.deepEqual([(await history())[0]?.result, (await history())[0]?.attempts], ['failed', 3]);
  });

  if (host === 'embedded') return;

  describe('in processes of their own', () => {
    const children: ChildProcess[] = [];
    const program = fileURLToPath(new URL('scheduler-process.ts', import.meta.url));
    before(() =>
      getDatabase().dataSource.query(
        `create table ticks (job text, slot timestamptz, holder text);
         grant all on ticks to licet_platform`,
      ),
    );
    afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

    const spawn = async (holder: string, mode: string): Promise<ChildProcess> => {
      const child = fork(program, [getDatabase().url, holder, mode], {
        stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      });
      children.push(child);
      assert.deepEqual((await once(child, 'message'))[0], 'ready');
      return child;
    };
    const ticks = (job: string): Promise<{ slot: Date; holder: string }[]> =>
      getDatabase().dataSource.query('select slot, holder from ticks where job = $1 order by slot', [job]);

    it('runs each second’s slot once', async function () {
      this.timeout(15_000);
      const processes = await Promise.all([spawn('first', 'tick'), spawn('second', 'tick')]);
      while ((await ticks('tick')).length < 3) await pause(50);
      await Promise.all(
        processes.map(async (child) => {
          child.send('stop');
          await once(child, 'exit');
        }),
      );
      const slots = (await ticks('tick')).map(({ slot }) => slot.getTime());
      const [first = 0] = slots;
      assert.deepEqual(
        slots,
        slots.map((_, n) => first + n * 1000),
      );
      const runs = await getDatabase().run('platform', (tx) => jobRuns.history(tx, 'tick', 100));
      assert.ok(runs.every((run) => run.result === 'succeeded' && run.attempts === 1));
    });

    it('replaces a process that was killed in the middle of a run', async function () {
      this.timeout(15_000);
      const first = await spawn('first', 'hang');
      await once(first, 'message');
      first.kill('SIGKILL');
      await spawn('second', 'hang');
      while (!(await ticks('hang')).some((tick) => tick.holder === 'second')) await pause(50);
      const all = await ticks('hang');
      assert.equal(all[0]?.holder, 'first');
      assert.equal(all.filter((tick) => tick.holder === 'first').length, 1);
    });
  });
});

describe('The newest slot that is over', () => {
  const job = (cron: string, timezone?: string): Job => ({
    name: 'x',
    cron,
    timeoutSeconds: 1,
    run: async () => undefined,
    ...(timezone === undefined ? {} : { timezone }),
  });
  const now = new Date('2026-03-29T12:34:56Z');
  for (const [cron, timezone, expected] of [
    ['* * * * *', undefined, '2026-03-29T12:34:00.000Z'],
    ['*/5 * * * *', undefined, '2026-03-29T12:30:00.000Z'],
    ['0 3 * * *', 'Europe/Berlin', '2026-03-29T01:00:00.000Z'], // summer time began an hour before
    ['0 3 * * *', 'America/New_York', '2026-03-29T07:00:00.000Z'],
    ['0 0 1 * *', undefined, '2026-03-01T00:00:00.000Z'],
    ['0 3 1 1 *', 'Asia/Kathmandu', '2025-12-31T21:15:00.000Z'],
    ['0 0 1 12 *', undefined, undefined], // longer ago than a quarter
  ] as const) {
    it(`of "${cron}" ${timezone ?? ''} is ${expected ?? 'none'}`, () => {
      assert.equal(latestSlot(job(cron, timezone), now)?.toISOString(), expected);
    });
  }
});

describe('The ticker', () => {
  beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }));
  afterEach(() => mock.timers.reset());
  const job = (cron: string): Job => ({ name: 'x', cron, timeoutSeconds: 1, run: async () => undefined });
  const ticking = (cron: string, start: string) => {
    const clock = new ManualClock(start);
    const slots: string[] = [];
    const ticker = minuteTicker(job(cron), (at) => void slots.push(at.toISOString()), clock);
    const pass = (seconds: number): void => {
      for (let second = 0; second < seconds; second += 1) {
        clock.advance(1000);
        mock.timers.tick(1000);
      }
    };
    return { clock, slots, pass, ticker };
  };

  it('calls each slot once, at its minute', () => {
    const { slots, pass, ticker } = ticking('*/2 * * * *', '2026-03-10T12:00:30Z');
    pass(89);
    assert.deepEqual(slots, []);
    pass(211);
    ticker.stop();
    pass(300);
    assert.deepEqual(slots, ['2026-03-10T12:02:00.000Z', '2026-03-10T12:04:00.000Z']);
  });

  it('goes on within a minute after a clock that was ahead was put right', () => {
    const { clock, slots, pass, ticker } = ticking('* * * * *', '2026-03-12T12:00:30Z');
    pass(60);
    clock.set('2026-03-10T12:01:30Z');
    pass(120);
    ticker.stop();
    assert.deepEqual(slots, ['2026-03-12T12:01:00.000Z', '2026-03-10T12:02:00.000Z', '2026-03-10T12:03:00.000Z']);
  });

  it('calls the newest of the slots that passed while nobody could look', () => {
    const { clock, slots, pass, ticker } = ticking('*/5 * * * *', '2026-03-10T12:01:30Z');
    clock.set('2026-03-10T12:17:10Z');
    pass(60);
    ticker.stop();
    assert.deepEqual(slots, ['2026-03-10T12:15:00.000Z']);
  });
});

describe('A table of jobs', () => {
  const deps = (): Parameters<typeof startSchedule>[1] => ({
    transactions: { run: () => Promise.reject(new Error('not reached')) },
    leases,
    runs: jobRuns,
    holder: 'x',
    clock: new ManualClock(),
    log: testDependencies().log,
  });
  const job = (change: Partial<Job>): Job => ({
    name: 'x',
    cron: '* * * * *',
    timeoutSeconds: 1,
    run: async () => undefined,
    ...change,
  });

  it('is refused with an expression that cron does not know', () => {
    assert.throws(() => startSchedule([job({ cron: '61 * * * *' })], deps()), /unusable cron expression/);
  });

  it('is refused with an expression that has seconds', () => {
    assert.throws(() => startSchedule([job({ cron: '0 * * * * *' })], deps()), /unusable cron expression/);
  });

  it('is refused with two jobs of one name', () => {
    assert.throws(() => startSchedule([job({}), job({})], deps()), /same name/);
  });
});
