import { randomBytes } from 'node:crypto';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { type Findings, isClean, sentenceOf } from '../house/books.ts';
import type { Crowd } from '../house/crowd.ts';
import { House } from '../house/house.ts';
import { OwnSigner } from '../house/own-signer.ts';
import { freePorts, pause, ServerProcess } from '../house/server-process.ts';
import type { Row } from '../row.ts';
import { scaled } from '../scale.ts';

const MIGRATES = '/proc/sys/net/ipv4/tcp_migrate_req';
const RESTARTS = 10;
const CLIENTS = 8;
/** A job of every minute has to fall into the drill, some of them while a server is away. */
const LEAST_MS = 70_000;

/**
 * F10: two servers, one database, one signer; each is restarted in turn, by SIGTERM, while clients ask both. What a
 * client does as a matter of course does not count as failed: to go to the other address when the connection could not
 * be made. Everything else does, also a connection that is cut after the request was sent on it. The same where both are
 * behind one port, and there is no other address.
 */
export async function run(): Promise<readonly Row[]> {
  return [...(await restartInTurn('own ports')), ...(await restartInTurn('one port'))];
}

async function restartInTurn(at: 'own ports' | 'one port'): Promise<readonly Row[]> {
  const signer = await OwnSigner.start();
  const env = { LICET_ACCESS_SEALING_KEY: randomBytes(32).toString('hex') };
  const flags = ['--http.sharePort', String(at === 'one port')];
  const house = await House.open(() => ({ signerSocket: signer.socket, env, flags }));
  const own = await freePorts();
  const ports = at === 'own ports' ? own : { ...house.options.ports, operations: own.operations };
  const second = { folder: mkdtempSync(join(tmpdir(), 'licet-drill-second-')), ports };
  let other = await ServerProcess.start({ ...house.options, ...second });
  const crowd = house.crowd(CLIENTS, [...new Set([house.options.ports.public, ports.public])]);
  const restarts = scaled(RESTARTS);
  try {
    const began = performance.now();
    crowd.start();
    await pause(1000);
    let exits = 0;
    for (let round = 0; round < restarts || performance.now() - began < LEAST_MS; round += 1) {
      if (round >= restarts) {
        await pause(500);
        continue;
      }
      const code = round % 2 === 0 ? await house.server.end('SIGTERM') : await other.end('SIGTERM');
      if (code === 0) exits += 1;
      if (round % 2 === 0) await house.restart();
      else other = await ServerProcess.start(other.options);
      await pause(1000);
    }
    await crowd.stop();
    const what = `two servers at ${at}${handsOver(at)} restarted in turn under load, ${restarts} times`;
    const ended = { what: `${exits} of ${restarts} ended cleanly`, isClean: exits === restarts };
    return [requestsRow(what, crowd, await house.checkBooks(crowd), ended), await jobsRow(house.databaseUrl)];
  } finally {
    await crowd.stop();
    await other.end('SIGTERM');
    await house.close();
    await signer.close();
    rmSync(second.folder, { recursive: true, force: true });
  }
}

function requestsRow(what: string, crowd: Crowd, found: Findings, ended: { what: string; isClean: boolean }): Row {
  const answered = [...crowd.answers].filter(([answer]) => answer.startsWith('2'));
  const failed = [...crowd.answers].filter(([answer]) => !answer.startsWith('2'));
  const sum = (list: readonly (readonly [string, number])[]) => list.reduce((all, [, count]) => all + count, 0);
  const failures = failed.map(([answer, count]) => `; ${answer}: ${count}`).join('');
  return {
    id: 'F10',
    what,
    bar: '0 failed requests',
    figure: `${sum(answered)} answered, ${sum(failed)} failed${failures}; ${sentenceOf(found)}; ${ended.what}`,
    pass: failed.length === 0 && crowd.unsolved.length === 0 && isClean(found) && ended.isClean,
  };
}

/** Without it the system resets what waits at a shared port while that is closed (docs/operations.md). */
function handsOver(at: 'own ports' | 'one port'): string {
  if (at === 'own ports' || !existsSync(MIGRATES)) return '';
  return ` (tcp_migrate_req ${readFileSync(MIGRATES, 'utf8').trim()})`;
}

async function jobsRow(databaseUrl: string): Promise<Row> {
  const client = new Client(databaseUrl);
  await client.connect();
  const { rows } = await client.query<{ runs: string; twice: string; failed: string; holders: string }>(
    `select count(*) as runs, count(*) filter (where attempts > 1) as twice,
            count(*) filter (where result is distinct from 'succeeded' and finished_at is not null) as failed,
            count(distinct holder) as holders
       from job_runs`,
  );
  await client.end();
  const { runs = '0', twice, failed, holders } = rows[0] ?? {};
  return {
    id: 'F10',
    what: 'their jobs meanwhile',
    bar: 'each ran once',
    figure: `${runs} runs by ${holders} processes; ${twice} begun twice, ${failed} failed`,
    pass: Number(runs) > 0 && twice === '0' && failed === '0',
  };
}
