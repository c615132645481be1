import { Agent, createServer, get } from 'node:http';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { fork } from 'node:child_process';
import { cpuOf, makeSerials, ocspRequestFor, openWorkplace, type Workplace } from '../revocation-shop.ts';
import type { Row } from '../row.ts';

const ROUNDS = 3;
const ROUND_MS = 2000;
const CLIENTS = 64;
const FRESH = 40_000;
const CACHED_BAR = 0.85;
const FRESH_BAR_US = 110;

/**
 * P3: the CPU that an OCSP answer costs the server, client and database not counted. A cached one against a bare
 * node:http that sends the same bytes with the same headers; a freshly signed one in both processes, the one that
 * answers and the one that signs.
 */
export async function run(): Promise<readonly Row[]> {
  const workplace = await openWorkplace(1);
  const { shop } = workplace;
  try {
    await makeSerials(workplace, shop.enterprise.key, FRESH, false);
    const rows: { serial: Buffer }[] = await shop.database.dataSource.query(
      'select serial from serials where issuer = $1 and kept_until = not_after order by serial limit $2',
      [shop.enterprise.key, FRESH],
    );
    const paths = rows.map(({ serial }) => pathFor(workplace, serial));
    const cached = await measureCached(workplace, paths[0]!);
    return [cached, await measureFresh(workplace, paths)];
  } finally {
    await workplace.close();
  }
}

function pathFor({ shop }: Workplace, serial: Uint8Array): string {
  const request = Buffer.from(ocspRequestFor(shop.enterprise, serial)).toString('base64');
  return `/ocsp/${encodeURIComponent(request)}`;
}

/** The client is a process of its own, so that what is counted here is the server's. */
async function load(port: number, paths: readonly string[], ms: number): Promise<number> {
  const client = fork(import.meta.filename, ['client', String(port), String(ms)]);
  client.send(paths);
  const [count] = (await once(client, 'message')) as [number];
  return count;
}

async function measureCached({ shop }: Workplace, path: string): Promise<Row> {
  const answer = await fetch(`${shop.served.url}${path}`);
  const body = Buffer.from(await answer.arrayBuffer());
  if (answer.headers.get('etag') === null) throw new Error('This answer is not cached.');
  const names = ['content-type', 'content-length', 'last-modified', 'expires', 'etag', 'cache-control', 'x-request-id'];
  const headers = names.flatMap((name) => [name, answer.headers.get(name) ?? '']);
  const bare = createServer((_, response) => {
    response.writeHead(200, headers);
    response.end(body);
  });
  bare.listen(0, '127.0.0.1');
  await once(bare, 'listening');
  const { port } = bare.address() as AddressInfo;
  const cost = async (to: number) => {
    const before = process.cpuUsage();
    const count = await load(to, [path], ROUND_MS);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / count;
  };
  await cost(shop.served.port);
  await cost(port);
  const ratios: number[] = [];
  let ours = 0;
  for (let round = 0; round < ROUNDS; round += 1) {
    const bareCost = await cost(port);
    ours = await cost(shop.served.port);
    ratios.push(bareCost / ours);
  }
  bare.close();
  ratios.sort((a, b) => a - b);
  const percent = (ratio: number) => `${(ratio * 100).toFixed(0)} %`;
  return {
    id: 'P3',
    what: 'a cached answer against bare node:http with the same bytes',
    bar: `≥ ${percent(CACHED_BAR)}`,
    figure: `${percent(ratios[ROUNDS >> 1]!)} (${ours.toFixed(0)} µs)`,
    spread: `${percent(ratios[0]!)} to ${percent(ratios.at(-1)!)}`,
    pass: ratios[ROUNDS >> 1]! >= CACHED_BAR,
  };
}

async function measureFresh({ shop, signerPid }: Workplace, paths: readonly string[]): Promise<Row> {
  const costs: number[] = [];
  const part = Math.floor(paths.length / (ROUNDS + 1));
  for (let round = 0; round <= ROUNDS; round += 1) {
    const before = cpuOf(process.pid) + cpuOf(signerPid());
    const count = await load(shop.served.port, paths.slice(round * part, (round + 1) * part), Infinity);
    // The first round warms up.
    if (round > 0) costs.push((cpuOf(process.pid) + cpuOf(signerPid()) - before) / count);
  }
  costs.sort((a, b) => a - b);
  const shown = (us: number) => `${us.toFixed(0)} µs`;
  return {
    id: 'P3',
    what: 'a freshly signed answer: CPU of server and signer',
    bar: `≤ ${FRESH_BAR_US} µs`,
    figure: shown(costs[ROUNDS >> 1]!),
    spread: `${shown(costs[0]!)} to ${shown(costs.at(-1)!)}`,
    pass: costs[ROUNDS >> 1]! <= FRESH_BAR_US,
  };
}

/** Asks for each path once, or for the same ones again and again until the time is over. */
async function client(port: number, ms: number): Promise<void> {
  const [paths] = (await once(process, 'message')) as [string[]];
  const agent = new Agent({ keepAlive: true, maxSockets: CLIENTS });
  const end = performance.now() + ms;
  let next = 0;
  let count = 0;
  const ask = (path: string) =>
    new Promise<void>((resolve, reject) => {
      get({ port, host: '127.0.0.1', path, agent }, (response) => {
        response.resume();
        response.once('end', resolve);
      }).once('error', reject);
    });
  const one = async () => {
    while (ms === Infinity ? next < paths.length : performance.now() < end) {
      await ask(paths[next++ % paths.length]!);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, one));
  process.send?.(count);
  process.disconnect();
  agent.destroy();
}

if (process.argv[2] === 'client' && process.argv[1] === import.meta.filename) {
  await client(Number(process.argv[3]), Number(process.argv[4]));
}
