import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { administer, startCluster } from '@licet/server/test-cluster';
import type { Row } from '../row.ts';

const START = join(import.meta.dirname, '../../../server/start.js');
const CLIENTS = 32;
const WARM_UP_MS = 3000;
const ROUND_MS = 5000;
const ROUNDS = 3;
/** Applications ask about their own license each; a product that runs many times asks about one. */
const LICENSES = 100;
const LEAST_PER_SECOND = 3000;
/** What one core has for each of them. */
const MOST_CPU_US = 1_000_000 / LEAST_PER_SECOND;
const MOST_P99_MS = 30;

/** `POST /keys/validate` as an application asks it: over TLS, keep-alive, verdict and signed token. */
export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'licet-bench-'));
  const cluster = await startCluster(mkdtempSync(join(tmpdir(), 'licet-bench-pg-')));
  await administer(cluster, 'create database licet');
  const limits = ['organization', 'token', 'site', 'address'].flatMap((of) => [
    `--access.limits.${of}PerSecond`,
    '100000',
  ]);
  const ports = ['--http.port', '0', '--http.plain.port', '0', '--operations.port', '0'];
  const flags = [...ports, '--data.folder', folder, '--authority.evaluation', 'on', '--log.level', 'info', ...limits];
  const child = spawn(process.execPath, [START, ...flags], {
    env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: cluster.url('licet') },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    const api = new Api(await addressOf(child), readFileSync(join(folder, 'owner.token'), 'utf8').trim());
    const licenses = await makeLicenses(api, folder);
    await load(api, licenses, child.pid!, WARM_UP_MS);
    const [one, many]: [Measured[], Measured[]] = [[], []];
    for (let round = 0; round < ROUNDS; round++) {
      one.push(await load(api, licenses.slice(0, 1), child.pid!, ROUND_MS));
      many.push(await load(api, licenses, child.pid!, ROUND_MS));
    }
    return [...rows('one license', one), ...rows(`${LICENSES} licenses in turn`, many)];
  } finally {
    child.kill('SIGTERM');
    await ended;
    rmSync(folder, { recursive: true });
  }
}

class Api {
  readonly #url: string;
  readonly #token: string;
  // The root of an evaluation is not what is measured.
  readonly #agent = new Agent({ keepAlive: true, maxSockets: CLIENTS, rejectUnauthorized: false });

  constructor(url: string, token: string) {
    this.#url = url;
    this.#token = token;
  }

  async call(method: string, path: string, body?: unknown): Promise<Record<string, unknown>> {
    const sent = request(`${this.#url}${path}`, {
      method,
      agent: this.#agent,
      headers: { Authorization: `Bearer ${this.#token}`, 'Content-Type': 'application/json', 'If-Match': '*' },
    });
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    let text = '';
    for await (const part of answer) text += String(part);
    if (answer.statusCode! >= 300) throw new Error(`${method} ${path}: ${answer.statusCode} ${text}`);
    return JSON.parse(text) as Record<string, unknown>;
  }
}

async function addressOf(child: ChildProcess): Promise<string> {
  let out = '';
  for await (const data of child.stdout!.iterator({ destroyOnReturn: false })) {
    out += String(data);
    const line = out.split('\n').find((text) => text.includes('"message":"ready"') && text.endsWith('}'));
    if (line === undefined) continue;
    child.stdout!.resume();
    return (JSON.parse(line) as { address: string }).address;
  }
  throw new Error(`the server did not start: ${out}`);
}

const REQUEST = ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

/** Of the contract that an evaluation comes with. */
async function makeLicenses(api: Api, folder: string): Promise<readonly string[]> {
  const { items } = (await api.call('GET', '/api/v1/contracts?status=active')) as { items: [{ id: string }] };
  const licenses: string[] = [];
  for (let made = 0; made < LICENSES; made++) {
    const key = join(folder, `site-${made}.key`);
    const args = [...REQUEST, '-subj', `/CN=bench-${made}`, '-keyout', key];
    const csr = execFileSync('openssl', args, { encoding: 'utf8', stdio: 'pipe' });
    const wanted = { contract: items[0].id, name: `bench-${made}`, mode: 'development', csr };
    const { license } = (await api.call('POST', '/api/v1/sites/create', wanted)) as { license: { pem: string } };
    licenses.push(license.pem);
  }
  return licenses;
}

/** Microseconds of processor time that a process has used: `utime` and `stime` of proc(5), in hundredths of a second. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ');
  return (Number(fields[11]) + Number(fields[12])) * 10_000;
}

type Measured = { readonly perSecond: number; readonly p99: number; readonly cpuUs: number };

async function load(api: Api, licenses: readonly string[], pid: number, ms: number): Promise<Measured> {
  const cpu = cpuOf(pid);
  const began = performance.now();
  const times: number[] = [];
  let asked = 0;
  const client = async (): Promise<void> => {
    while (performance.now() - began < ms) {
      const sent = performance.now();
      const license = licenses[asked++ % licenses.length];
      const { verdict } = (await api.call('POST', '/api/v1/keys/validate', { license })) as {
        verdict: { usable: boolean };
      };
      if (!verdict.usable) throw new Error(`not usable: ${JSON.stringify(verdict)}`);
      times.push(performance.now() - sent);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, client));
  times.sort((a, b) => a - b);
  const seconds = (performance.now() - began) / 1000;
  const p99 = times[Math.floor(times.length * 0.99)]!;
  return { perSecond: times.length / seconds, p99, cpuUs: (cpuOf(pid) - cpu) / times.length };
}

function rows(which: string, rounds: readonly Measured[]): readonly Row[] {
  const row = (
    what: string,
    bar: string,
    of: keyof Measured,
    unit: string,
    isGood: (value: number) => boolean,
  ): Row => {
    const values = rounds.map((round) => round[of]).sort((a, b) => a - b);
    const shown = (value: number): string => `${Math.round(value).toLocaleString('en')}${unit}`;
    const median = values[Math.floor(values.length / 2)]!;
    const spread = `${shown(values[0]!)} – ${shown(values.at(-1)!)}`;
    return { id: 'validate', what: `${what}, ${which}`, bar, figure: shown(median), spread, pass: isGood(median) };
  };
  return [
    row('POST /keys/validate over TLS', '≥ 3,000/s', 'perSecond', '/s', (it) => it >= LEAST_PER_SECOND),
    row('p99', '≤ 30 ms', 'p99', ' ms', (it) => it <= MOST_P99_MS),
    row('CPU of the server for each', '≤ 333 µs', 'cpuUs', ' µs', (it) => it <= MOST_CPU_US),
  ];
}
