import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';

import { emptyChain, extendChain, headLine, rowLine } from '@licet/server/audit';
import { Command } from 'commander';

import { register } from '../commands/audit.ts';
import { CliError, type CliIo } from '../io.ts';

const rows = extendChain(
  emptyChain('acme'),
  Array.from({ length: 5 }, (_, n) => ({
    organization: 'acme',
    at: new Date(Date.UTC(2026, 0, 1 + n)).toISOString(),
    actor: 'user:1',
    action: 'license.issued',
    subject: `site:${n}`,
    details: '{}',
  })),
);
const head = { organization: 'acme', sequence: 5, hash: rows[4]!.hash };
const good = [...rows.map(rowLine), headLine(head)];
const bad = good.with(2, good[2]!.replace('site:2', 'site:9'));

describe('licet audit', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'licet-cli-audit-'));
  });
  after(() => rm(folder, { recursive: true }));

  const run = async (args: string[], input: readonly string[] = [], env: CliIo['env'] = {}) => {
    const result = { code: -1, out: '', err: '' };
    const io: CliIo = {
      out: (text) => (result.out += `${text}\n`),
      err: (text) => (result.err += `${text}\n`),
      stdin: Readable.from(`${input.join('\n')}\n`),
      env: { ...process.env, ...env },
      now: () => new Date(0),
      exit: (code) => (result.code = code),
    };
    const program = new Command('licet').exitOverride();
    register(program, io);
    await program.parseAsync(['audit', ...args], { from: 'user' });
    return result;
  };
  const file = async (name: string, lines: readonly string[]): Promise<string> => {
    await writeFile(join(folder, name), `${lines.join('\n')}\n`);
    return join(folder, name);
  };

  it('finds a good export good, from a file and from a pipe', async () => {
    const name = await file('good', good);
    for (const result of [await run(['verify', '--file', name]), await run(['verify', '--file', '-'], good)]) {
      assert.equal(result.code, 0);
      assert.match(result.out, /^GOOD .*"acme": 5 rows up to row 5, hash [0-9a-f]{64}\.$/m);
    }
  });

  it('names the first bad row of an export', async () => {
    const result = await run(['verify', '--file', await file('bad', bad)]);
    assert.equal(result.code, 1);
    assert.match(result.out, /^BROKEN {2}Row 3 .*\[AUDIT_HASH\]/);
  });

  it('finds out by a checkpoint that the whole log was rewritten', async () => {
    const checkpoints = await file('checkpoints', good);
    const forged = extendChain(
      emptyChain('acme'),
      rows.map((row) => ({ ...row, actor: 'user:2' })),
    );
    const lines = [...forged.map(rowLine), headLine({ ...head, hash: forged[4]!.hash })];
    const name = await file('forged', lines);
    assert.equal((await run(['verify', '--file', name])).code, 0);
    const result = await run(['verify', '--file', name, '--checkpoints', checkpoints]);
    assert.equal(result.code, 1);
    assert.match(result.out, /Row 5 .*\[AUDIT_CHECKPOINT\]/);
  });

  it('cannot tell of a file that is missing, empty or something else', async () => {
    const cannotTell = (error: unknown): boolean => error instanceof CliError && error.exitCode === 2;
    await assert.rejects(run(['verify', '--file', join(folder, 'missing')]), cannotTell);
    await assert.rejects(run(['verify', '--file', '-'], ['hello']), cannotTell);
    assert.equal((await run(['verify', '--file', '-'])).code, 2);
  });

  it('hands the configuration of the server on', async function () {
    this.timeout(10_000);
    const result = await run(['verify', '--organization', 'acme', '--', '--database.url=1', '--no.such=key']);
    assert.equal(result.code, 2);
    assert.match(result.err, /no\.such/);
  });

  it('cannot tell of a database that it cannot reach', async function () {
    this.timeout(10_000);
    const result = await run(['verify'], [], { LICET_DATABASE_URL: 'postgres://nobody@127.0.0.1:1/none' });
    assert.equal(result.code, 2);
    assert.match(result.err, /^licet: .+/);
  });
});
