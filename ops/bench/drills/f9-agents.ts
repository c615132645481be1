import { House } from '../house/house.ts';
import { returningFleet } from '../returning-fleet.ts';
import type { Row } from '../row.ts';
import { scaled } from '../scale.ts';

/** As many as the load generator and the server can be on two cores. */
const AGENTS = 2000;
const MOST_SECONDS = 600;

/** F9 with the real server: its process, PostgreSQL, TLS and the agent's own code, all on one machine. */
export async function run(): Promise<Row> {
  const house = await House.open();
  try {
    const agents = scaled(AGENTS);
    const { renewed, lastSeconds, statuses, complaints } = await returningFleet(house, agents, MOST_SECONDS * 1000);
    process.stderr.write(`${JSON.stringify({ statuses: [...statuses], complaints: [...complaints] }, null, 1)}\n`);
    const broken = [...statuses].filter(([status]) => status.startsWith('5') && status !== '503');
    const busy = statuses.get('503') ?? 0;
    return {
      id: 'F9',
      what: `${agents} agents in one second before the real server`,
      bar: 'all renewed ≤ 10 min, no 500',
      figure: `${renewed} renewed, the last after ${lastSeconds.toFixed(0)} s; ${busy} × 503, ${broken.length} other 5xx`,
      pass: renewed === agents && lastSeconds <= MOST_SECONDS && broken.length === 0,
    };
  } finally {
    await house.close();
  }
}
