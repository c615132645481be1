import type { Row } from '../row.ts';
import { stampede } from '../stampede.ts';

const AGENTS = 10_000;
/** Of a server far slower than ours. */
const PER_SECOND = 50;
/** What the server asks for when it is busy (server/http/est/refusal.ts). */
const RETRY_AFTER_SECONDS = 5;
const MOST_SECONDS = 600;

/** F9, the agents' side: simulated, with the real back-off. The server's side (no 500) is not in this figure. */
export function run(): Promise<Row> {
  const { lastSeconds, mostAttempts } = stampede(AGENTS, PER_SECOND, RETRY_AFTER_SECONDS);
  return Promise.resolve({
    id: 'F9',
    what: `${AGENTS} agents in one second, a simulated server of ${PER_SECOND} renewals a second`,
    bar: 'all renewed ≤ 10 min',
    figure: `the last after ${lastSeconds} s, with ${mostAttempts} attempts at most`,
    pass: lastSeconds <= MOST_SECONDS,
  });
}
