import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { powerFailures, pseudoRandom, record, survivors, writersFolder } from './durability.ts';

const ROWS = 400;
/** A part of them; `npm run drill f2-database` does all fifty of the bar. */
const POWER_FAILURES = 12;
const KILLS = 10;
const AT_ONCE = 2;

/** Writes until it is killed; gives what it found at its start and the last row that it acknowledged. */
async function writeAndDie(folder: string, afterMs: number): Promise<{ found: number; acked: number }> {
  const script = fileURLToPath(new URL('killed-writer.ts', import.meta.url));
  const child = spawn(process.execPath, [script, folder], { stdio: ['ignore', 'pipe', 'inherit'] });
  const said: number[] = [];
  createInterface(child.stdout).on('line', (line) => {
    said.push(Number(line));
    if (said.length === 2) setTimeout(() => child.kill('SIGKILL'), afterMs);
  });
  await once(child, 'close');
  assert.ok(said.length > 1, 'the writer opened what the one before had left, and wrote');
  return { found: said[0]!, acked: said.at(-1)! };
}

describe('The embedded database keeps what it acknowledged', function () {
  this.timeout(120_000);

  it(`through ${POWER_FAILURES} power failures, and always opens again`, async () => {
    const recorded = await record(ROWS, true);
    assert.equal(recorded.acknowledged.length, ROWS);
    const outcomes = await powerFailures(recorded, POWER_FAILURES);
    assert.equal(outcomes.length, POWER_FAILURES);
    assert.deepEqual(
      outcomes.filter(({ acked, found }) => found !== acked),
      [],
    );
    assert.ok(new Set(outcomes.map(({ acked }) => acked)).size > POWER_FAILURES / 2, 'the failures were spread');
  });

  it('and this suite would notice if it did not: without fsync rows are lost', async () => {
    const outcomes = await powerFailures(await record(100, false), 4);
    assert.ok(outcomes.some(({ acked, found }) => found < acked));
  });

  it(`through ${KILLS} kills in the middle of writing`, async () => {
    const random = pseudoRandom(9);
    const line = async (): Promise<void> => {
      const folder = await writersFolder();
      let acked = 0;
      for (let kill = 0; kill < KILLS / AT_ONCE; kill++) {
        const life = await writeAndDie(folder, random() * 200);
        assert.ok(life.found >= acked, `${acked} rows were acknowledged and ${life.found} are there`);
        acked = life.acked;
      }
      assert.equal(await survivors(folder, acked), acked);
      rmSync(join(folder, '../..'), { recursive: true });
    };
    await Promise.all(Array.from({ length: AT_ONCE }, line));
  });
});
