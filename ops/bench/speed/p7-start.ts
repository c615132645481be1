import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { administer, startCluster } from '@licet/server/test-cluster';
import type { Row } from '../row.ts';

const START = join(import.meta.dirname, '../../../server/start.js');
const ROUNDS = 3;
/** After this many ordinary requests and metric scrapes the memory is what it stays at. */
const WARM_UP_REQUESTS = 2000;

const FIRST_START = { bar: 6000, text: '≤ 6 s' };
const WARM_START = { bar: 1500, text: '≤ 1.5 s' };
const MEMORY_EMBEDDED = { bar: 400, text: '≤ 400 MB' };
const MEMORY_POSTGRESQL = { bar: 180, text: '≤ 180 MB' };

type Start = { readonly ms: number; readonly megabytes: number };

/** From the moment the process is made to its "ready", and what it holds after some work: as an operator sees it. */
export async function run(): Promise<readonly Row[]> {
  const folder = mkdtempSync(join(tmpdir(), 'licet-bench-'));
  const cluster = await startCluster(mkdtempSync(join(tmpdir(), 'licet-bench-pg-')));
  await administer(cluster, 'create database licet');
  const url = cluster.url('licet');
  try {
    const first: Start[] = [];
    const warm: Start[] = [];
    const postgresql: Start[] = [];
    const onPostgresql = {
      DATABASE_URL: url,
      LICET_AUTHORITY_EVALUATION: 'on',
      LICET_DATA_FOLDER: join(folder, 'postgresql'),
    };
    for (let round = 0; round < ROUNDS; round++) {
      const env = { LICET_DATA_FOLDER: join(folder, String(round)) };
      first.push(await startOnce(env));
      warm.push(await startOnce(env));
      // The first of these makes the tables; the figures are of the later ones.
      postgresql.push(await startOnce(onPostgresql));
    }
    postgresql.push(await startOnce(onPostgresql));
    return [
      row('very first start, embedded database', first, 'ms', FIRST_START),
      row('warm start, embedded database', warm, 'ms', WARM_START),
      row('warm start, PostgreSQL', postgresql.slice(1), 'ms', WARM_START),
      row('memory, embedded database', warm, 'megabytes', MEMORY_EMBEDDED),
      row('memory, PostgreSQL', postgresql.slice(1), 'megabytes', MEMORY_POSTGRESQL),
    ];
  } finally {
    rmSync(folder, { recursive: true });
  }
}

async function startOnce(env: Record<string, string>): Promise<Start> {
  const began = performance.now();
  const flags = ['--http.port', '0', '--operations.port', '0', '--http.tls.mode', 'off'];
  const child = spawn(process.execPath, [START, ...flags], {
    env: { PATH: process.env['PATH'] ?? '', ...env },
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  try {
    const { address, operations } = await ready(child);
    const ms = performance.now() - began;
    await warmUp(address, operations);
    return { ms, megabytes: heldMegabytes(child.pid) };
  } finally {
    child.kill('SIGTERM');
    await ended;
  }
}

async function warmUp(address: string, operations: string): Promise<void> {
  for (let i = 0; i < WARM_UP_REQUESTS; i += 20) {
    await Promise.all(Array.from({ length: 20 }, async () => (await fetch(`${address}/`)).arrayBuffer()));
    await (await fetch(`${operations}/metrics`)).arrayBuffer();
  }
}

async function ready(child: ChildProcess): Promise<{ address: string; operations: string }> {
  let out = '';
  for await (const data of child.stdout!.iterator({ destroyOnReturn: false })) {
    out += String(data);
    const line = out.split('\n').find((text) => text.includes('"message":"ready"') && text.endsWith('}'));
    if (line === undefined) continue;
    child.stdout!.resume();
    return JSON.parse(line) as { address: string; operations: string };
  }
  throw new Error(`the server did not start: ${out}`);
}

/**
 * The signer is a process of its own, and belongs to the server all the same. The pages of Node's program lie in memory
 * once for both: what each has alone is added, and what is shared counts once.
 */
function heldMegabytes(server: number | undefined): number {
  const children = readFileSync(`/proc/${server}/task/${server}/children`, 'utf8').trim().split(/\s+/).filter(Boolean);
  const held = [String(server), ...children].map((pid) => readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  const kilobytes = (rollup: string, kind: string): number =>
    [...rollup.matchAll(new RegExp(`^${kind}_(?:Clean|Dirty): +(\\d+) kB$`, 'gm'))].reduce(
      (sum, [, kB]) => sum + Number(kB),
      0,
    );
  const alone = held.reduce((sum, rollup) => sum + kilobytes(rollup, 'Private'), 0);
  return (alone + Math.max(...held.map((rollup) => kilobytes(rollup, 'Shared')))) / 1024;
}

function row(
  what: string,
  starts: readonly Start[],
  of: keyof Start,
  { bar, text }: { bar: number; text: string },
): Row {
  const values = starts.map((start) => start[of]).sort((a, b) => a - b);
  const median = values[Math.floor(values.length / 2)]!;
  const shown = (value: number) => (of === 'ms' ? `${(value / 1000).toFixed(2)} s` : `${Math.round(value)} MB`);
  const spread = `${shown(values[0]!)} – ${shown(values.at(-1)!)}`;
  return { id: 'P7', what, bar: text, figure: shown(median), spread, pass: median <= bar };
}
