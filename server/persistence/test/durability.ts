import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { cp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setEnvironmentData } from 'node:worker_threads';

import { Client } from 'pg';

import { Engine, type EngineInput } from '../embedded/engine.ts';
import { SessionStream } from '../embedded/session-stream.ts';
import { copyOfTemplate } from './embedded-template.ts';
import { ForgetfulDisk } from './power-loss.ts';

const SHARED_BUFFERS_MB = 2; // so small that dirty pages are written out in between

/** Memory where there is such a disk: what survives is simulated or the kernel's, and real syncing would only take time. */
export function quickFolder(): string {
  return mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'licet-test-'));
}

/** A client of an engine without the rest of the house, and how to close both. */
export async function connectTo(
  input: Partial<EngineInput> & { folder: string },
): Promise<{ client: Client; engine: Engine }> {
  const engine = await Engine.open({ sharedBuffersMb: SHARED_BUFFERS_MB, fsync: true, ...input });
  const patience = { idleMs: 60_000, answerMs: 60_000 };
  const client = new Client({ user: 'postgres', stream: () => new SessionStream(async () => engine, patience) });
  client.on('error', () => undefined); // the engine is ended under it
  await client.connect();
  return { client, engine };
}

/** Rows of a counter, written in order, and how far the disk's journal had come when each was acknowledged. */
export type Recorded = { disk: ForgetfulDisk; acknowledged: { row: number; position: number }[] };

/** A database folder with an empty table `acked`. */
export async function writersFolder(): Promise<string> {
  const folder = join(await copyOfTemplate(quickFolder()), 'database', 'pgdata');
  const { client, engine } = await connectTo({ folder });
  await client.query('create table acked (row integer primary key, filler text)');
  await client.query('checkpoint');
  await client.end();
  await engine.close();
  return folder;
}

/** Runs a writer while every change it makes to files is recorded, and returns a disk that can fail at any of them. */
export async function record(rows: number, fsync: boolean): Promise<Recorded> {
  const base = await writersFolder();
  const folder = quickFolder();
  const root = join(folder, 'pgdata');
  await cp(base, root, { recursive: true });
  const position = new SharedArrayBuffer(4);
  const journal = join(folder, 'journal');
  setEnvironmentData('recording', { root, journal, position });
  const { client, engine } = await connectTo({
    folder: root,
    fsync,
    worker: new URL('recording-worker.ts', import.meta.url),
  });
  const acknowledged: Recorded['acknowledged'] = [];
  for (let row = 1; row <= rows; row++) {
    await client.query('insert into acked values ($1, $2)', [row, 'x'.repeat(500 + ((row * 7919) % 1500))]);
    acknowledged.push({ row, position: Atomics.load(new Int32Array(position), 0) });
    if (row % 100 === 50) await client.query(row % 200 === 50 ? 'checkpoint' : 'select pg_switch_wal()');
    if (row % 150 === 0) await client.query(`create table made_${row} as select * from acked`);
  }
  await engine.terminate();
  const disk = new ForgetfulDisk(base, journal);
  await rm(folder, { recursive: true });
  await rm(join(base, '../..'), { recursive: true });
  return { disk, acknowledged };
}

/** Opens what a crash left behind and counts the rows up to one that was acknowledged. */
export async function survivors(folder: string, upTo: number): Promise<number> {
  const { client, engine } = await connectTo({ folder });
  try {
    const { rows } = await client.query<{ n: number }>('select count(*)::integer as n from acked where row <= $1', [
      upTo,
    ]);
    return rows[0]!.n;
  } finally {
    await engine.terminate();
  }
}

const AT_ONCE = 2;

export type PowerFailure = { readonly acked: number; readonly found: number };

/** The same places in every run, spread over the whole of the work. */
export function pseudoRandom(seed: number): () => number {
  let state = seed;
  return () => (state = (state * 1_103_515_245 + 12_345) % 2_147_483_648) / 2_147_483_648;
}

/** Fails the power so often, at places all over the recording, and says what was acknowledged and what is left. */
export async function powerFailures({ disk, acknowledged }: Recorded, times: number): Promise<PowerFailure[]> {
  const folder = quickFolder();
  const random = pseudoRandom(2026);
  const outcomes: PowerFailure[] = [];
  let round = 0;
  const one = async (): Promise<void> => {
    while (round < times) {
      round += 1;
      const image = join(folder, String(round));
      const position = Math.floor((disk.length * (round - random())) / times);
      disk.advance(position);
      // Every second time the disk is as forgetful as it may be; else half of the unsynced writes happen to be there.
      const strict = round % 2 === 0;
      disk.fail(image, () => !strict && random() < 0.5);
      const acked = acknowledged.findLast((row) => row.position <= position)?.row ?? 0;
      outcomes.push({ acked, found: await survivors(image, acked).catch(() => -1) });
      rmSync(image, { recursive: true });
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, one));
  rmSync(folder, { recursive: true });
  return outcomes;
}
