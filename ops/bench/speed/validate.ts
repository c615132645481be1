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
const LEAST_PER_SECOND = 3000;
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
    const license = await firstLicense(api, folder);
    await load(api, license, WARM_UP_MS);
    const rounds: Measured[] = [];
    for (let round = 0; round < ROUNDS; round++) rounds.push(await load(api, license, ROUND_MS));
    return rows(rounds);
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

/** Of the contract that an evaluation comes with. */
async function firstLicense(api: Api, folder: string): Promise<string> {
  const { items } = (await api.call('GET', '/api/v1/contracts?status=active')) as { items: [{ id: string }] };
  const key = join(folder, 'site.key');
  const args = ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=x'];
  const csr = execFileSync('openssl', [...args, '-keyout', key], { encoding: 'utf8', stdio: 'pipe' });
  const wanted = { contract: items[0].id, name: 'bench', mode: 'production', csr };
  const { license } = (await api.call('POST', '/api/v1/sites/create', wanted)) as { license: { pem: string } };
  return license.pem;
}

type Measured = { readonly perSecond: number; readonly p99: number };

async function load(api: Api, license: string, ms: number): Promise<Measured> {
  const began = performance.now();
  const times: number[] = [];
  const client = async (): Promise<void> => {
    while (performance.now() - began < ms) {
      const sent = performance.now();
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
  return { perSecond: times.length / seconds, p99: times[Math.floor(times.length * 0.99)]! };
}

function rows(rounds: readonly Measured[]): readonly Row[] {
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
    return { id: 'validate', what, bar, figure: shown(median), spread, pass: isGood(median) };
  };
  return [
    row(
      'POST /keys/validate over TLS, client on the same machine',
      '≥ 3,000/s',
      'perSecond',
      '/s',
      (it) => it >= LEAST_PER_SECOND,
    ),
    row('POST /keys/validate, p99', '≤ 30 ms', 'p99', ' ms', (it) => it <= MOST_P99_MS),
  ];
}
