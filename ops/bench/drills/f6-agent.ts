import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { AgentInTime } from '../agent-in-time.ts';
import type { Row } from '../row.ts';

/** Days on which programs have fallen over; the site and its authority both live then. */
const DAYS = ['@2028-02-29 12:00:00', '@2038-01-20 00:00:00', '@2050-01-01 00:00:00'];
const GOOD_LIFE = 'valid renewed valid';

/**
 * The clock of a site alone is wrong. What the site says of its license, and what becomes of a renewal: where the
 * certificate of the server seems over too, there is nobody to talk to, and that is no reason to call a license invalid.
 */
const MOVED = [
  { by: '+30d', state: 'in-grace', code: 'IN_GRACE', renewal: 'renewed' },
  { by: '+400d', state: 'restricted', code: 'EXPIRED', renewal: 'UNAVAILABLE' },
  // The license begins later than that clock says it is: told by its own code from one that is over.
  { by: '-5d', state: 'invalid', code: 'NOT_YET_VALID', renewal: 'UNAVAILABLE' },
] as const;

/** F6, the site's side: libfaketime moves the clock of whole processes. */
export async function run(): Promise<readonly Row[]> {
  // Time-outs are no matter of the date.
  process.env['FAKETIME_DONT_FAKE_MONOTONIC'] = '1';
  return [wholeLives(), await movedClocks()];
}

function wholeLives(): Row {
  const seen = DAYS.map((day) => {
    const program = [process.execPath, join(import.meta.dirname, '../whole-life.ts')];
    const { stdout, stderr } = spawnSync('faketime', ['-f', day, ...program], { encoding: 'utf8', timeout: 60_000 });
    return { day, said: stdout.trim() || stderr.trim().split('\n').at(-1) };
  });
  const wrong = seen.filter(({ said }) => said !== GOOD_LIFE);
  return {
    id: 'F6',
    what: 'a site enrols and renews on 29 February, in 2038 and in 2050',
    bar: 'as on any other day',
    figure:
      wrong.length === 0
        ? `${seen.length} of ${seen.length}`
        : wrong.map(({ day, said }) => `${day}: ${said}`).join('; '),
    pass: wrong.length === 0,
  };
}

async function movedClocks(): Promise<Row> {
  const agent = await AgentInTime.open();
  try {
    const wrong: string[] = [];
    for (const { by, state, code, renewal } of MOVED) {
      await agent.enrol();
      const said = await agent.status(by);
      const became = await agent.renew(by);
      const after = (await agent.status()).state;
      const isRight = said.state === state && said.codes.includes(code) && became === renewal && after === 'valid';
      if (!isRight) wrong.push(`${by}: ${said.state} (${said.codes.join(', ')}), ${became}, then ${after}`);
    }
    return {
      id: 'F6',
      what: `the clock of a site moved by ${MOVED.map(({ by }) => by).join(', ')}, and set right`,
      bar: 'states as documented, valid again',
      figure: wrong.length === 0 ? `${MOVED.length} of ${MOVED.length}` : wrong.join('; '),
      pass: wrong.length === 0,
    };
  } finally {
    await agent.close();
  }
}
