import { type CounterConfiguration, Counter, Gauge, Registry, collectDefaultMetrics } from 'prom-client';
import { jobMetrics, type JobResult } from './jobs.ts';
import { remembering } from './remembering.ts';
import { RequestMetrics } from './requests.ts';
import { revocationMetrics, type RevocationMetrics } from './revocation.ts';

/** The label sets are closed: every metric has a number of series that is known before the first request. */
const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'] as const;
const OTHER = 'other';

/** Gauges of prom-client with the name of a counter: `promtool check metrics` refuses them, and nobody needs them. */
const MISNAMED = ['nodejs_active_handles_total', 'nodejs_active_requests_total', 'nodejs_active_resources_total'];

export type RetryCause = 'serialization' | 'deadlock' | 'link';
export type PoolStats = { readonly total: number; readonly idle: number; readonly waiting: number };
export type LoopDelay = { readonly p50: number; readonly p99: number; readonly max: number };

export type AdmissionCounts = { readonly inside: number; readonly waiting: number; readonly sentAway: number };

export type Metrics = {
  httpStarted(): void;
  /** Ends what `httpStarted` began. */
  httpRequest(labels: { method: string; route: string; status: number }, seconds: number): void;
  transactionRetried(cause: string): void;
  jobRan(labels: { job: string; result: JobResult }, seconds: number): void;
  noticeSent(labels: { channel: 'webhook' | 'mail'; result: 'delivered' | 'failed' | 'dead' }, count: number): void;
  certificateReloaded(result: 'done' | 'failed', expiresAt?: Date): void;
  logLineDropped(): void;
  readonly revocation: RevocationMetrics;
  /** More labels of closed sets, from parts that are made later. */
  know(labels: { readonly routes?: readonly string[]; readonly jobs?: readonly string[] }): void;
  /** Read at each scrape. */
  watch(sources: MetricSources): void;
  /** The Prometheus text format. */
  text(): Promise<string>;
  readonly contentType: string;
};

export type MetricSources = {
  readonly pool?: () => PoolStats;
  readonly loopDelay?: () => LoopDelay;
  readonly connections?: () => number;
  readonly admission?: () => AdmissionCounts;
  readonly isReady?: () => Promise<boolean>;
  /** By kind. */
  readonly authorityEnds?: () => Promise<ReadonlyMap<string, Date>>;
};

export type MetricsOptions = {
  readonly version: string;
  /** All route templates, fast paths included. Anything else counts as `unmatched`. */
  readonly routes: readonly string[];
  /** All job names. Anything else counts as `other`. */
  readonly jobs: readonly string[];
};

export function createMetrics({ version, routes, jobs }: MetricsOptions): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  const known = { routes: new Set(routes), jobs: new Set(jobs) };
  const route = closed(known.routes, 'unmatched');
  const method = closed(new Set(METHODS), OTHER);
  const job = closed(known.jobs, OTHER);
  const cause = closed(new Set(['serialization', 'deadlock', 'link'] satisfies RetryCause[]), OTHER);
  const all = { ...tlsMetrics(registry), ...workMetrics(registry) };
  const requests = new RequestMetrics();
  const work = jobMetrics(registry);
  work.know(jobs);
  let inFlight = 0;
  inFlightGauge(registry, () => inFlight);
  new Gauge({
    name: 'licet_build_info',
    help: 'Always 1; the labels say which Licet on which Node this is.',
    labelNames: ['version', 'node'],
    registers: [registry],
  }).set({ version, node: process.versions.node }, 1);

  return {
    httpStarted: () => void (inFlight += 1),
    httpRequest(labels, seconds) {
      inFlight -= 1;
      requests.add({ method: method(labels.method), route: route(labels.route), status: labels.status }, seconds);
    },
    transactionRetried: (why) => all.retries.inc({ cause: cause(why) }),
    jobRan: (labels, seconds) => work.ran({ ...labels, job: job(labels.job) }, seconds),
    noticeSent: (labels, count) => all.notices.inc(labels, count),
    certificateReloaded(result, expiresAt) {
      all.reloads.inc({ result });
      if (expiresAt !== undefined) all.certificateExpiry.set(expiresAt.getTime() / 1000);
    },
    logLineDropped: () => all.dropped.inc(),
    revocation: revocationMetrics(registry),
    know({ routes: more = [], jobs: tasks = [] }) {
      for (const name of more) known.routes.add(name);
      for (const name of tasks) known.jobs.add(name);
      work.know(tasks);
    },
    watch: (sources) => watch(registry, sources),
    text: async () => `${await registry.metrics()}\n${requests.text()}`,
    contentType: registry.contentType,
  };
}

function closed(known: ReadonlySet<string>, otherwise: string): (name: string) => string {
  return (name) => (known.has(name) ? name : otherwise);
}

function inFlightGauge(registry: Registry, read: () => number): Gauge {
  return new Gauge({
    name: 'licet_http_requests_in_flight',
    help: 'Requests of the public listener that are being answered now.',
    registers: [registry],
    collect() {
      this.set(read());
    },
  });
}

function tlsMetrics(registry: Registry) {
  const registers = [registry];
  return {
    reloads: new Counter({
      name: 'licet_tls_certificate_loads_total',
      help: 'How often the TLS certificate of the public listener was read, by result.',
      labelNames: ['result'],
      registers,
    } satisfies CounterConfiguration<'result'>),
    certificateExpiry: new Gauge({
      name: 'licet_tls_certificate_expiry_timestamp_seconds',
      help: 'When the TLS certificate of the public listener expires; 0 without TLS.',
      registers,
    }),
  };
}

function workMetrics(registry: Registry) {
  const registers = [registry];
  return {
    retries: new Counter({
      name: 'licet_database_transaction_retries_total',
      help: 'Transactions that were tried again, by cause.',
      labelNames: ['cause'],
      registers,
    }),
    notices: new Counter({
      name: 'licet_notices_total',
      help: 'Attempts to tell somebody of an event, by channel and result; dead means that it was given up.',
      labelNames: ['channel', 'result'],
      registers,
    } satisfies CounterConfiguration<'channel' | 'result'>),
    dropped: new Counter({
      name: 'licet_log_lines_dropped_total',
      help: 'Log lines that nobody took from standard output in time.',
      registers,
    }),
  };
}

function watch(
  registry: Registry,
  { pool, loopDelay, connections, admission, isReady, authorityEnds }: MetricSources,
): void {
  const registers = [registry];
  const gauge = (name: string, help: string, read: () => number | Promise<number>) =>
    new Gauge({
      name,
      help,
      registers,
      async collect() {
        this.set(await read());
      },
    });
  const family = <Stat extends string>(name: string, help: string, label: string, read: () => Record<Stat, number>) =>
    new Gauge({
      name,
      help,
      labelNames: [label],
      registers,
      collect() {
        for (const [key, value] of Object.entries<number>(read())) this.set({ [label]: key }, value);
      },
    });
  if (pool) {
    const help = 'Connections of the database pool: all, those that are idle, and requests that wait for one.';
    family('licet_database_pool_connections', help, 'state', () => ({ ...pool() }));
  }
  if (loopDelay) {
    const help = 'Delay of the event loop in the last ten seconds.';
    family('licet_event_loop_delay_seconds', help, 'stat', () => ({ ...loopDelay() }));
  }
  if (admission) {
    const help = 'Requests that change something: worked on, waiting for their turn.';
    family('licet_admission_requests', help, 'state', () => {
      const { inside, waiting } = admission();
      return { inside, waiting };
    });
    registry.registerMetric(refusals(() => admission().sentAway));
  }
  if (connections) gauge('licet_http_connections', 'Open connections of the public listener.', connections);
  if (isReady) gauge('licet_ready', '1 when all readiness checks pass, else 0.', async () => Number(await isReady()));
  if (authorityEnds) registry.registerMetric(authorityGauge(authorityEnds));
}

function authorityGauge(read: () => Promise<ReadonlyMap<string, Date>>): Gauge {
  const remembered = remembering(read, new Map());
  return new Gauge({
    name: 'licet_authority_not_after_timestamp_seconds',
    help: 'When the first CA in office of the kind ends, without those of contracts, which are certified anew by themselves.',
    labelNames: ['kind'],
    registers: [],
    async collect() {
      const { value } = await remembered();
      this.reset();
      for (const [kind, end] of value) this.set({ kind }, end.getTime() / 1000);
    },
  });
}

const refusals = (read: () => number): Counter =>
  new Counter({
    name: 'licet_admission_refusals_total',
    help: 'Requests that were sent away with 503 BUSY because more came than could be served.',
    registers: [],
    collect() {
      this.reset();
      this.inc(read());
    },
  });
