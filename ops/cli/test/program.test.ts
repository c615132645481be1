import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import type { CliIo } from '../io.ts';
import { COMMANDS, createProgram } from '../program.ts';

const LICET = join(import.meta.dirname, '../licet.js');

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
    const licet = spawn(process.execPath, [LICET, 'help'], { stdio: 'pipe' });
    licet.stdout.destroy();
    let said = '';
    licet.stderr.on('data', (text) => (said += String(text)));
    assert.deepEqual([...(await once(licet, 'close')), said], [141, null, '']);
  }).timeout(20_000);

  it('make no database where the folder of the server is another one', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'licet-nowhere-'));
    for (const args of [
      'authority list',
      'reconcile',
      'audit verify',
      'db export all.sql',
      'user recover a@b.example',
    ]) {
      const ran = spawnSync(process.execPath, [LICET, ...args.split(' ')], { cwd: folder, encoding: 'utf8' });
      assert.match(ran.stderr, /^licet: There is no database in .*: say after -- how the server is configured/);
      assert.ok(ran.status !== 0);
    }
    assert.deepEqual(readdirSync(folder), []);
    rmSync(folder, { recursive: true });
  }).timeout(60_000);

  for (const args of ['authority retire -- --config x', 'authority rollover --', 'keys rotate -- --config x']) {
    it(`ask for the key that was forgotten in: ${args}`, async () => {
      const typed = args.split(' ');
      const ran = (await createProgram(io, typed)).parseAsync(typed, { from: 'user' });
      await assert.rejects(ran, { exitCode: 1, message: /key|argument 'id'/ });
    });
  }

  it('say of a file that has no fingerprint that it has none', async () => {
    const typed = ['ceremony', 'fingerprint', import.meta.filename];
    const ran = (await createProgram(io, typed)).parseAsync(typed, { from: 'user' });
    await assert.rejects(ran, { name: 'CliError', code: 'PEM_INVALID' });
  });

  it('are all there for who names none of them, or completes them', async () => {
    for (const args of [[], ['help'], ['--help'], ['contrakt'], ['toString'], ['completion', 'bash']]) {
      assert.deepEqual(await namesFor(...args), all, args.join(' '));
    }
  });
});
