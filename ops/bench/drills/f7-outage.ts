import { outage } from '../outage.ts';
import type { Row } from '../row.ts';
import { scaled } from '../scale.ts';

const SITES = 1000;
const DAYS = 24;
const LOOK_EVERY_MS = 12 * 3_600_000;
const MOST_MS = 10 * 60_000;

/** F7: 24 days without the authority, at the worst time. */
export async function run(): Promise<Row> {
  const sites = scaled(SITES);
  const { stopped, lost, recoveredMs } = await outage(sites, DAYS, LOOK_EVERY_MS);
  return {
    id: 'F7',
    what: `${sites} sites, ${DAYS} days without the authority`,
    bar: '0 stop; all recover ≤ 10 min after return',
    figure: `${stopped} stopped; ${sites - lost} recovered, the last after ${(recoveredMs / 60_000).toFixed(1)} min`,
    pass: stopped === 0 && lost === 0 && recoveredMs <= MOST_MS,
  };
}
