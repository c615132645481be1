import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { CliIo } from '../io.ts';
import { COMMANDS, createProgram } from '../program.ts';

describe('The commands of licet', () => {
  const io: CliIo = {
    out: () => undefined,
    err: () => undefined,
    stdin: Readable.from([]),
    env: {},
    now: () => new Date(0),
    exit: () => undefined,
  };
  const namesFor = async (...args: string[]) => (await createProgram(io, args)).commands.map((it) => it.name());
  const all = Object.keys(COMMANDS);

  it('are loaded alone, each by its name', async () => {
    for (const name of all.filter((it) => it !== 'completion')) assert.deepEqual(await namesFor(name), [name]);
  });

  it('end without a word when nobody reads on', async () => {
    const licet = spawn(process.execPath, [join(import.meta.dirname, '../licet.js'), 'help'], { stdio: 'pipe' });
    licet.stdout.destroy();
    let said = '';
    licet.stderr.on('data', (text) => (said += String(text)));
    assert.deepEqual([...(await once(licet, 'close')), said], [141, null, '']);
  }).timeout(20_000);

  it('are all there for who names none of them, or completes them', async () => {
    for (const args of [[], ['help'], ['--help'], ['contrakt'], ['toString'], ['completion', 'bash']]) {
      assert.deepEqual(await namesFor(...args), all, args.join(' '));
    }
  });
});
