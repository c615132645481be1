import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import type { OrderProgress } from '@licet/authority';
import { fromHex } from '@licet/format';
import { carryOut } from '@licet/server/test-order';
import { makeSerials, openWorkplace, type Workplace } from '../revocation-shop.ts';
import type { Row } from '../row.ts';

const COUNT = 100_000;
const ORDER = 'recall';
const MIDST_MS = 60;

/**
 * 100,000 revocations in one order on PostgreSQL, with the signer's journal, the audit log and the events. The process
 * that carries it out is killed half-way; another one is given the same order.
 */
export async function run(): Promise<readonly Row[]> {
  const workplace = await openWorkplace(4);
  try {
    const issuer = workplace.shop.enterprise.key;
    await makeSerials(workplace, issuer, COUNT, false);
    const ids = await serialsOf(workplace, issuer);
    const first = await killedHalfWay(workplace, issuer, ids);
    const start = performance.now();
    const order = { id: ORDER, ids: ids.map((serial) => ({ issuer, serial: fromHex(serial) })) };
    const { outcomes } = await carryOut(workplace, order, () => {});
    const seconds = first.seconds + (performance.now() - start) / 1000;
    const { lost, doubled, twice } = await findings(workplace);
    return [
      {
        id: 'revoke',
        what: `${COUNT.toLocaleString('en')} revocations in one order, journal and audit included`,
        bar: '',
        figure: `${seconds.toFixed(1)} s (${Math.round(COUNT / seconds).toLocaleString('en')}/s)`,
        pass: outcomes.applied === COUNT,
      },
      {
        id: 'revoke',
        what: `the same, killed after ${first.done.toLocaleString('en')} and resumed: lost, doubled`,
        bar: '0, 0',
        figure: `${lost}, ${doubled} (${twice} journaled again)`,
        pass: lost + doubled === 0,
      },
    ];
  } finally {
    await workplace.close();
  }
}

async function serialsOf({ shop }: Workplace, issuer: string): Promise<string[]> {
  const rows: { serial: string }[] = await shop.database.dataSource.query(
    `select encode(serial, 'hex') as serial from serials where issuer = $1 and kept_until = not_after
      order by serial limit $2`,
    [issuer, COUNT],
  );
  return rows.map(({ serial }) => serial);
}

async function killedHalfWay({ url, socket }: Workplace, issuer: string, ids: readonly string[]) {
  const child = fork(import.meta.filename, ['order', url, socket, issuer]);
  child.send(ids);
  await once(child, 'message');
  const start = performance.now();
  let done = 0;
  await new Promise<void>((resolve, reject) => {
    child.on('message', (now: number) => {
      done = now;
      if (done >= COUNT / 2) resolve();
    });
    child.once('exit', () => reject(new Error('The order ended before it was killed.')));
  });
  child.removeAllListeners('exit');
  // In the midst of the next batch.
  await pause(MIDST_MS);
  child.kill('SIGKILL');
  await once(child, 'exit');
  return { done, seconds: (performance.now() - start) / 1000 };
}

/** In the database by what is there, in the journal by its own lines. */
async function findings({ shop }: Workplace): Promise<{ lost: number; doubled: number; twice: number }> {
  const [row]: { revoked: number; audited: number; subjects: number }[] = await shop.database.dataSource.query(
    `select (select count(*)::integer from revocations) as revoked, count(*)::integer as audited,
            count(distinct subject)::integer as subjects
       from audit_log where action = 'certificate.revoked'`,
  );
  const { revoked, audited, subjects } = row!;
  const journaled = new Map<string, number>();
  for (let after = 0n; ;) {
    const page = await shop.signer.journalAfter(after, 1000);
    for (const { record } of page) {
      if (record.type !== 'revocation') continue;
      const serial = Buffer.from(record.serial).toString('hex');
      journaled.set(serial, (journaled.get(serial) ?? 0) + 1);
    }
    if (page.length === 0) break;
    after = page.at(-1)!.sequence;
  }
  const lost = COUNT - Math.min(revoked, subjects, journaled.size);
  const twice = [...journaled.values()].filter((count) => count > 1).length;
  return { lost, doubled: audited - subjects + (revoked - subjects), twice };
}

/** The process that is killed. */
async function order(url: string, socket: string, issuer: string): Promise<void> {
  const [serials] = (await once(process, 'message')) as [string[]];
  process.send?.(0);
  const ids = serials.map((serial) => ({ issuer, serial: fromHex(serial) }));
  await carryOut({ url, socket }, { id: ORDER, ids }, ({ done }: OrderProgress) => process.send?.(done));
}

if (process.argv[2] === 'order' && process.argv[1] === import.meta.filename) {
  const [url = '', socket = '', issuer = ''] = process.argv.slice(3);
  await order(url, socket, issuer);
}
