import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mock } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { requireTool } from '@licet/checks';
import { type Metrics, createMetrics } from '../metrics/metrics.ts';

function made(): Metrics {
  const metrics = createMetrics({ version: '1.2.3', routes: ['/sites/:id'], jobs: ['crl'] });
  metrics.watch({
    pool: () => ({ total: 3, idle: 2, waiting: 1 }),
    loopDelay: () => ({ p50: 0.001, p99: 0.002, max: 0.003 }),
    connections: () => 4,
    isReady: () => Promise.resolve(true),
    authorityEnds: () => Promise.resolve(new Map([['organization', new Date('2031-01-01T00:00:00Z')]])),
  });
  return metrics;
}

const seriesOf = async (metrics: Metrics) =>
  (await metrics.text()).split('\n').filter((line) => line.startsWith('licet_'));

describe('metrics', () => {
  it('are as Prometheus wants them', async function () {
    requireTool(this, 'promtool');
    const metrics = made();
    metrics.httpStarted();
    metrics.httpRequest({ method: 'GET', route: '/sites/:id', status: 200 }, 0.01);
    metrics.jobRan({ job: 'crl', result: 'succeeded' }, 1);
    metrics.transactionRetried('deadlock');
    metrics.certificateReloaded('done', new Date('2027-01-01T00:00:00Z'));
    const check = spawnSync('promtool', ['check', 'metrics'], { input: await metrics.text(), encoding: 'utf8' });
    assert.deepEqual([check.status, check.stdout, check.stderr], [0, '', '']);
  });

  it('say what was told', async () => {
    const metrics = made();
    metrics.httpStarted();
    metrics.httpStarted();
    metrics.httpRequest({ method: 'GET', route: '/sites/:id', status: 503 }, 0.02);
    metrics.jobRan({ job: 'crl', result: 'lost' }, 1);
    metrics.transactionRetried('serialization');
    metrics.certificateReloaded('failed');
    const series = await seriesOf(metrics);
    for (const line of [
      'licet_build_info{version="1.2.3",node="' + process.versions.node + '"} 1',
      'licet_http_requests_in_flight 1',
      'licet_http_requests_total{method="GET",route="/sites/:id",status="5xx"} 1',
      'licet_http_request_duration_seconds_bucket{le="0.025",route="/sites/:id"} 1',
      'licet_http_request_duration_seconds_bucket{le="0.01",route="/sites/:id"} 0',
      'licet_job_runs_total{job="crl",result="lost"} 1',
      'licet_database_transaction_retries_total{cause="serialization"} 1',
      'licet_tls_certificate_loads_total{result="failed"} 1',
      'licet_database_pool_connections{state="waiting"} 1',
      'licet_event_loop_delay_seconds{stat="max"} 0.003',
      'licet_http_connections 4',
      'licet_ready 1',
      'licet_authority_not_after_timestamp_seconds{kind="organization"} 1924992000',
    ]) {
      assert.ok(series.includes(line), `${line}\nis not in\n${series.join('\n')}`);
    }
  });

  it('show the silence of a job, also of one that has never run, whatever is done to the clock', async () => {
    mock.timers.enable({ apis: ['Date'], now: new Date('2026-12-02T00:00:00Z') });
    try {
      const metrics = made();
      metrics.know({ jobs: ['silent'] });
      metrics.jobRan({ job: 'crl', result: 'succeeded' }, 1);
      mock.timers.setTime(new Date('2026-11-30T00:00:00Z').getTime());
      await pause(20);
      metrics.jobRan({ job: 'silent', result: 'failed' }, 1);
      const series = await seriesOf(metrics);
      for (const job of ['crl', 'silent']) {
        const age = series.find((line) => line.startsWith(`licet_job_success_age_seconds{job="${job}"} `));
        const seconds = Number(age?.split(' ')[1]);
        assert.ok(seconds >= 0.015 && seconds < 10, age);
      }
    } finally {
      mock.timers.reset();
    }
  });

  it('a stranger cannot make a new series', async () => {
    const metrics = made();
    const ask = (method: string, route: string) => {
      metrics.httpStarted();
      metrics.httpRequest({ method, route, status: 404 }, 0.001);
      metrics.jobRan({ job: route, result: 'succeeded' }, 1);
      metrics.transactionRetried(route);
    };
    ask('BREW', '/a');
    const before = (await seriesOf(metrics)).length;
    for (let i = 0; i < 50; i++) ask(`M${i}`, `/path/${i}`);
    assert.equal((await seriesOf(metrics)).length, before);
    assert.ok((await metrics.text()).includes('{method="other",route="unmatched",status="4xx"} 51'));
  });
});
