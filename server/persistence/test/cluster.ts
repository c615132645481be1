import { execFileSync, spawn } from 'node:child_process';
import { chownSync, existsSync, mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

import { Client } from 'pg';

import { openDatabase } from '../database.ts';
import { testDependencies } from './dependencies.ts';

export const TEMPLATE = 'licet_template';
const START_TIMEOUT_MS = 30_000;

export type Cluster = {
  /** The connection string of one of its databases, as superuser. */
  url(database: string): string;
  readonly folder: string;
  readonly pid: number;
};

/** The folder of PostgreSQL's programs, newest first, or undefined when there is none on this machine. */
export function postgresPrograms(): string | undefined {
  const versions = existsSync('/usr/lib/postgresql') ? readdirSync('/usr/lib/postgresql') : [];
  const debian = versions.sort((a, b) => Number(b) - Number(a)).map((version) => `/usr/lib/postgresql/${version}/bin`);
  const path = (process.env['PATH'] ?? '').split(':');
  return [...debian, ...path].find((folder) =>
    ['initdb', 'postgres', 'psql'].every((it) => existsSync(join(folder, it))),
  );
}

let shared: Promise<Cluster> | undefined;

/** One cluster for the whole test run, also when mocha runs files in several processes: the first who asks starts it. */
export function sharedCluster(): Promise<Cluster> {
  shared ??= joinOrStart();
  return shared;
}

async function joinOrStart(): Promise<Cluster> {
  // The run lasts as long as mocha itself: our parent when we are one of its parallel workers.
  const anchor = process.env['MOCHA_WORKER_ID'] === undefined ? process.pid : process.ppid;
  const folder = join(tmpdir(), `licet-test-pg-${anchor}`);
  const ready = join(folder, 'ready');
  try {
    mkdirSync(folder);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error;
    for (let waited = 0; !existsSync(ready); waited += 20) {
      if (waited > START_TIMEOUT_MS) throw new Error(`PostgreSQL did not start in ${folder}`, { cause: error });
      await pause(20);
    }
    return { url: (name) => urlOf(folder, name), folder, pid: Number(readFileSync(ready, 'utf8')) };
  }
  const cluster = await startCluster(folder, { anchor });
  await makeTemplate(cluster);
  writeFileSync(ready, String(cluster.pid));
  return cluster;
}

/** A cluster in a folder that exists. It ends, and the folder goes, when the process `anchor` is gone. */
export async function startCluster(
  folder: string,
  { anchor = process.pid, settings = [] }: { anchor?: number; settings?: readonly string[] } = {},
): Promise<Cluster> {
  const programs = postgresPrograms();
  if (programs === undefined) throw new Error('PostgreSQL is not installed');
  const who = unprivileged();
  if (who.uid !== undefined) chownSync(folder, who.uid, who.gid ?? who.uid);
  const data = join(folder, 'data');
  const init = ['--no-sync', '--auth=trust', '--username=postgres', '--encoding=UTF8', '--locale=C', '-D', data];
  execFileSync(join(programs, 'initdb'), init, { ...who, cwd: folder, stdio: 'pipe' });
  const pid = startPostmaster(folder, settings);
  // Ours, not the test's: it must outlive a mocha that was killed.
  const watch = `while kill -0 ${anchor} 2>/dev/null; do sleep 0.5; done
    for pid in ${pid} $(head -n 1 "${data}/postmaster.pid"); do kill -QUIT "$pid" 2>/dev/null; done
    sleep 0.2; rm -rf "${folder}"`;
  spawn('sh', ['-c', watch], { detached: true, stdio: 'ignore' }).unref();
  const cluster = { url: (name: string) => urlOf(folder, name), folder, pid };
  await answers(cluster.url('postgres'));
  return cluster;
}

const FAST = ['fsync=off', 'full_page_writes=off', 'autovacuum=off', 'max_connections=200', 'shared_buffers=32MB'];

/** Also for tests that ended the first one; returns the process id. */
export function startPostmaster(folder: string, settings: readonly string[] = []): number {
  const all = [`unix_socket_directories=${folder}`, 'listen_addresses=', ...FAST, ...settings];
  const args = ['-D', join(folder, 'data'), ...all.flatMap((setting) => ['-c', setting])];
  const log = openSync(join(folder, 'postgres.log'), 'a');
  const child = spawn(join(postgresPrograms() ?? '', 'postgres'), args, {
    ...unprivileged(),
    cwd: folder,
    detached: true,
    stdio: ['ignore', log, log],
  });
  child.unref();
  if (child.pid === undefined) throw new Error('postgres could not be started');
  return child.pid;
}

export async function answers(url: string): Promise<void> {
  for (let waited = 0; ; waited += 25) {
    const client = new Client(url);
    try {
      await client.connect();
      await client.end();
      return;
    } catch (error) {
      if (waited > START_TIMEOUT_MS) throw error;
      await pause(25);
    }
  }
}

function urlOf(folder: string, database: string): string {
  return `postgresql://postgres@/${database}?host=${encodeURIComponent(folder)}`;
}

/** PostgreSQL refuses to run as root. */
function unprivileged(): { uid?: number; gid?: number } {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string): number => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** The schema is made once; every test clones it. */
async function makeTemplate(cluster: Cluster): Promise<void> {
  await administer(cluster, `create database ${TEMPLATE}`);
  const options = { host: 'postgresql', url: cluster.url(TEMPLATE), poolSize: 1 } as const;
  const template = await openDatabase(
    { ...options, statementTimeoutMs: 10_000, lockTimeoutMs: 10_000 },
    testDependencies(),
  );
  await template.close();
}

/** One statement on the maintenance database. */
export async function administer(cluster: Cluster, statement: string): Promise<void> {
  const client = new Client(cluster.url('postgres'));
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}

export function removeFolder(folder: string): void {
  rmSync(folder, { recursive: true, force: true });
}
