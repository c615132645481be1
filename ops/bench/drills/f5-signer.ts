import { codeOf } from '../house/ask.ts';
import { House } from '../house/house.ts';
import { pause } from '../house/server-process.ts';
import { StatusReader } from '../house/status.ts';
import type { Row } from '../row.ts';

const ANSWER_MS = 2000;
const BACK_MS = 10_000;
const SUFFERED_MS = 6000;
const ASKED_EVERY_MS = 100;

/** Makes the signer suffer until the given time; must leave it in peace afterwards. */
type Fault = { readonly name: string; suffer(house: House, until: number): Promise<void> };

const FAULTS: readonly Fault[] = [
  {
    name: 'killed, and killed again whenever it is back',
    async suffer(house, until) {
      let last: number | undefined;
      for (; performance.now() < until; await pause(5)) {
        const pid = house.server.signerPid;
        if (pid === undefined || pid === last) continue;
        process.kill(pid, 'SIGKILL');
        last = pid;
      }
    },
  },
  {
    name: 'stopped',
    async suffer(house, until) {
      const pid = house.server.signerPid!;
      process.kill(pid, 'SIGSTOP');
      await pause(until - performance.now());
      process.kill(pid, 'SIGCONT');
    },
  },
  {
    name: 'slow: it runs for 100 ms of every 2,500',
    async suffer(house, until) {
      const pid = house.server.signerPid!;
      while (performance.now() < until) {
        process.kill(pid, 'SIGSTOP');
        await pause(2400);
        process.kill(pid, 'SIGCONT');
        await pause(100);
      }
    },
  },
];

/** F5: the signer of a running server suffers; who asks for a license hears so in time, and who reads status is served. */
export async function run(): Promise<readonly Row[]> {
  const house = await House.open();
  try {
    const rows: Row[] = [];
    for (const fault of FAULTS) rows.push(await rowOf(house, fault));
    return rows;
  } finally {
    await house.close();
  }
}

type Seen = { issued: number; refused: number; slowestMs: number; readonly wrong: string[] };
type Read = { readonly cached: string[]; readonly fresh: string[]; crls: number; crlsMissing: number };

async function rowOf(house: House, fault: Fault): Promise<Row> {
  const [known, other] = [await licenseOf(house), await licenseOf(house)];
  const reader = new StatusReader(house, known);
  await reader.ocsp();
  // A new CA's CRLs are made in the seconds after it.
  while (!(await reader.crlIsServed())) await pause(100);
  const until = performance.now() + SUFFERED_MS;
  const suffering = fault.suffer(house, until);
  await pause(20);
  const [seen, read] = await Promise.all([
    askUntil(house, until),
    readUntil(reader, new StatusReader(house, other), until),
  ]);
  await suffering;
  const backMs = await issuesAgain(house);
  const { issued, refused, slowestMs, wrong } = seen;
  const isRead = read.crlsMissing === 0 && read.cached.every((status) => status === 'good');
  const fresh = Object.entries(Object.groupBy(read.fresh, (status) => status));
  return {
    id: 'F5',
    what: `the signer ${fault.name}`,
    bar: '503 within 2 s with Retry-After; OCSP and CRL stay up',
    figure:
      `${refused} refused, the slowest after ${Math.round(slowestMs)} ms, ${issued} issued, ${wrong.length} other answers` +
      `; OCSP ${read.cached.length} and CRL ${read.crls} times ${isRead ? 'as ever' : 'DOWN'}` +
      `, OCSP asked for the first time: ${fresh.map(([status, all]) => `${all?.length} ${status}`).join(', ')}` +
      `; issuing again after ${Math.round(backMs)} ms${wrong[0] === undefined ? '' : ` (${wrong[0]})`}`,
    pass: refused > 0 && wrong.length === 0 && slowestMs <= ANSWER_MS && isRead && backMs <= BACK_MS,
  };
}

async function licenseOf(house: House): Promise<string> {
  const { status, body } = await house.makeSite();
  if (status !== 201) throw new Error(`No license before the fault: ${status} ${body.toString('utf8')}`);
  return (JSON.parse(body.toString('utf8')) as { license: { pem: string } }).license.pem;
}

/** A new request at short intervals, whatever became of the ones before: they wait side by side, as clients do. */
async function askUntil(house: House, until: number): Promise<Seen> {
  const seen: Seen = { issued: 0, refused: 0, slowestMs: 0, wrong: [] };
  const asking: Promise<void>[] = [];
  for (; performance.now() < until - ANSWER_MS; await pause(ASKED_EVERY_MS)) asking.push(askOne(house, seen));
  await Promise.all(asking);
  return seen;
}

async function askOne(house: House, seen: Seen): Promise<void> {
  const began = performance.now();
  const answer = await house.makeSite();
  const ms = performance.now() - began;
  if (answer.status === 201) seen.issued += 1;
  else if (answer.status === 503 && Number(answer.headers['retry-after']) > 0) {
    seen.refused += 1;
    seen.slowestMs = Math.max(seen.slowestMs, ms);
  } else seen.wrong.push(`${answer.status} ${codeOf(answer)}`);
}

async function readUntil(reader: StatusReader, other: StatusReader, until: number): Promise<Read> {
  const read: Read = { cached: [], fresh: [], crls: 0, crlsMissing: 0 };
  // Nobody has asked for the other's status yet: it takes a signature.
  const first = other.ocsp();
  for (; performance.now() < until - ANSWER_MS; await pause(50)) {
    read.cached.push(await reader.ocsp());
    if (await reader.crlIsServed()) read.crls += 1;
    else read.crlsMissing += 1;
  }
  read.fresh.push(await first);
  return read;
}

async function issuesAgain(house: House): Promise<number> {
  const began = performance.now();
  while ((await house.makeSite()).status !== 201 && performance.now() - began < 2 * BACK_MS) await pause(20);
  return performance.now() - began;
}
