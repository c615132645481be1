import { hostname } from 'node:os';
import { setTimeout as pause } from 'node:timers/promises';
import { createApp, routeLabels } from './app.ts';
import { systemClock as clock } from './clock.ts';
import { EXIT_CODES } from './config/exit-codes.ts';
import { type Config, type Loaded, loadConfig, secretsOf } from './config/index.ts';
import { databaseOptions } from './database-options.ts';
import type { FastPath } from './http/dispatcher.ts';
import { createListener } from './http/listener.ts';
import { createOperations } from './operations/pages.ts';
import type { Route } from './http/routes.ts';
import type { Job } from './jobs/job.ts';
import { type Schedule, startSchedule } from './jobs/schedule.ts';
import { type Lifecycle, createLifecycle } from './lifecycle.ts';
import { createLiveness } from './operations/liveness.ts';
import { type Log, createLog } from './log.ts';
import { type LogOutput, logOutput } from './log-output.ts';
import { type Metrics, createMetrics } from './metrics.ts';
import manifest from './package.json' with { type: 'json' };
import { type Database, openDatabase } from './persistence/database.ts';
import { jobRuns } from './persistence/job-runs.ts';
import { leases } from './persistence/leases.ts';
import { systemRandom as random } from './random.ts';
import { type Readiness, createReadiness } from './operations/readiness.ts';
import { listenError, startFailure } from './start-error.ts';
import { type WatchedTls, watchTlsFiles } from './tls/files.ts';
import { welcome } from './welcome.ts';

/** What the parts of the server are made with. */
type Ground = {
  readonly config: Config;
  readonly log: Log;
  readonly metrics: Metrics;
  readonly lifecycle: Lifecycle;
};

const routes: readonly Route[] = [];
const fastPaths: readonly FastPath[] = [];
const jobs: readonly Job[] = [];

/** Beyond the drain: for what has to be written and closed after it. */
const CLOSING_MS = 10_000;
/** For a reader of the log that is slow. */
const FLUSH_MS = 1000;

async function main(): Promise<void> {
  const loaded = await loadConfig({ argv: process.argv.slice(2), env: process.env, directory: process.cwd() });
  const { config } = loaded;
  const metrics = createMetrics({
    version: manifest.version,
    routes: routeLabels(routes, fastPaths),
    jobs: jobs.map(({ name }) => name),
  });
  const output = logOutput(process.stdout.fd, () => metrics.logLineDropped());
  const log = logFor(loaded, output);
  const { settleSeconds, drainSeconds } = config.http.timeouts;
  const lifecycle = createLifecycle({
    log,
    codes: { clean: EXIT_CODES.clean.code, cut: EXIT_CODES.cut.code, crashed: EXIT_CODES.crashed.code },
    exit: (code) => exit(code, output),
    hardLimitMs: (settleSeconds + drainSeconds) * 1000 + CLOSING_MS,
  });
  process.on('SIGTERM', () => lifecycle.signal('SIGTERM'));
  process.on('SIGINT', () => lifecycle.signal('SIGINT'));
  process.on('uncaughtException', (error) => lifecycle.crash(error));
  await start({ config, log, metrics, lifecycle });
}

async function start(ground: Ground): Promise<void> {
  const { config, log, metrics, lifecycle } = ground;
  // What can be refused without touching the database is refused first.
  const tls = openTls(ground);
  const database = await openDatabase(databaseOptions(config), {
    clock,
    random,
    log: log.with({ component: 'database' }),
    onRetry: (cause) => metrics.transactionRetried(cause),
  });
  const readiness = createReadiness(
    [{ name: 'database', check: () => database.checkWritable() }],
    config.operations.readinessSeconds * 1000,
  );
  try {
    const address = await openPublic(ground, readiness, tls);
    const schedule = openSchedule(ground, database);
    lifecycle.add({ name: 'jobs', stop: () => schedule.stop() });
    lifecycle.add({ name: 'database', stop: () => database.close() });
    const operations = await openOperations(ground, readiness, database);
    log.info({ address, operations, version: manifest.version, ms: Math.round(performance.now()) }, 'ready');
    if (isText(config)) process.stdout.write(welcome({ address, operations, data: whereData(config, database) }));
  } catch (error) {
    await database.close();
    throw error;
  }
}

function openTls({ config, log, metrics }: Ground): WatchedTls | undefined {
  const { mode, certificate, key } = config.http.tls;
  if (mode === 'off' || certificate === undefined || key === undefined) return undefined;
  return watchTlsFiles({ certificate, key }, { clock, log, metrics });
}

function openPublic(ground: Ground, readiness: Readiness, tls: WatchedTls | undefined): Promise<string> {
  const { config, log, metrics, lifecycle } = ground;
  const { host, port, limits, timeouts, trustProxy } = config.http;
  const app = createApp({
    routes,
    fastPaths,
    limits: { bytes: limits.bodyBytes, depth: limits.jsonDepth, keys: limits.jsonKeys, urlBytes: limits.urlBytes },
    trustProxy,
    random,
    log,
    metrics,
  });
  const { requestClientCertificate } = config.http.tls;
  const listener = createListener(app, {
    limits,
    timeouts,
    ...(tls && { tls: { options: tls.first.options, requestClientCertificate } }),
  });
  tls?.onChange(({ options }) => listener.replaceTls(options));
  // Without files to read again it means what it means everywhere: the terminal is gone.
  process.on('SIGHUP', () => (tls ? tls.reload() : lifecycle.signal('SIGHUP')));
  metrics.watch({ connections: () => listener.connections() });
  lifecycle.add({
    name: 'public listener',
    async stop() {
      readiness.close('stopping');
      await pause(timeouts.settleSeconds * 1000);
      tls?.stop();
      return listener.drain(timeouts.drainSeconds * 1000);
    },
  });
  return listener.listen(host, port).catch((error: unknown) => {
    throw listenError(error, host, port, 'http');
  });
}

function openOperations(
  { config, metrics, lifecycle }: Ground,
  readiness: Readiness,
  database: Database,
): Promise<string> {
  const { host, port } = config.operations;
  const { limits, timeouts } = config.http;
  const liveness = createLiveness();
  metrics.watch({
    pool: () => database.poolStats(),
    loopDelay: () => liveness.delay(),
    isReady: async () => (await readiness.state()).isReady,
  });
  const listener = createListener(createOperations({ liveness, readiness, metrics }), { limits, timeouts });
  lifecycle.add({
    name: 'operations listener',
    stop() {
      liveness.stop();
      return listener.drain(1000);
    },
  });
  return listener.listen(host, port).catch((error: unknown) => {
    throw listenError(error, host, port, 'operations');
  });
}

function openSchedule({ log, metrics }: Ground, transactions: Database): Schedule {
  const start = Buffer.from(random.bytes(6)).toString('hex');
  return startSchedule(jobs, {
    clock,
    transactions,
    leases,
    runs: jobRuns,
    log: log.with({ component: 'jobs' }),
    holder: `${hostname()}:${process.pid}:${start}`,
    onRun: ({ seconds, ...labels }) => metrics.jobRan(labels, seconds),
  });
}

function logFor(loaded: Loaded, output: LogOutput): Log {
  const { config } = loaded;
  return createLog({
    level: config.log.level,
    format: isText(config) ? 'text' : 'json',
    clock,
    write: (line) => output.write(line),
    secrets: secretsOf(loaded),
  });
}

/** The last lines are the ones that are wanted most. */
function exit(code: number, output: LogOutput): void {
  void output.flush(FLUSH_MS).then(() => process.exit(code));
}

const isText = ({ log }: Config): boolean => log.format === 'text' || (log.format === 'auto' && process.stdout.isTTY);

const whereData = ({ data }: Config, { host }: Database): string =>
  host === 'embedded' ? `${data.folder} (embedded database)` : 'PostgreSQL';

main().catch((error: unknown) => {
  const { message, exitCode, isForeseen } = startFailure(error);
  process.stderr.write(isForeseen ? `licet: ${message}\n` : `licet: this is a defect, please report it: ${message}\n`);
  if (isForeseen && process.env['LICET_DEBUG'] === '1' && error instanceof Error) {
    process.stderr.write(`${error.stack}\n`);
  }
  process.exit(exitCode);
});
