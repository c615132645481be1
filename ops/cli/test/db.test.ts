import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { copyOfTemplate } from '@licet/server/test-embedded';
import { EXIT } from '../exit-codes.ts';
import type { CliIo } from '../io.ts';
import { createProgram } from '../program.ts';

describe('licet db export', function () {
  this.timeout(60_000);
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'licet-test-db-'));
    await copyOfTemplate(join(folder, 'data'));
  });
  after(() => rmSync(folder, { recursive: true }));

  const licet = async (...args: string[]): Promise<{ code: number; said: string }> => {
    let code: number = EXIT.ok;
    let said = '';
    const say = (text: string): void => void (said += `${text}\n`);
    const io: CliIo = {
      out: say,
      err: say,
      stdin: process.stdin,
      env: { PATH: process.env['PATH'], LICET_DATA_FOLDER: join(folder, 'data') },
      now: () => new Date('2026-11-21T00:00:00Z'),
      exit: (value) => (code = value),
    };
    await (await createProgram(io, args)).parseAsync(args, { from: 'user' });
    return { code, said };
  };

  it('writes a whole script that only its owner can read, and says how to load it', async () => {
    const file = join(folder, 'licet.sql');
    const { code, said } = await licet('db', 'export', file);
    assert.equal(code, EXIT.ok, said);
    assert.match(said, /psql --no-psqlrc --file /);
    const script = readFileSync(file, 'utf8');
    assert.match(script, /^-- A Licet database/);
    assert.match(script, /create function licet_organization/);
    assert.match(script, /\ncommit;\n$/);
    assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  it('does not write over a file', async () => {
    const file = join(folder, 'precious');
    writeFileSync(file, 'precious');
    const { code, said } = await licet('db', 'export', file);
    assert.equal(code, EXIT.cannotWrite, said);
    assert.match(said, /cannot be written \(EEXIST\): choose another/);
    assert.equal(readFileSync(file, 'utf8'), 'precious');
  });

  it('is not for a PostgreSQL, which has pg_dump', async () => {
    const { code, said } = await licet('db', 'export', join(folder, 'no.sql'), '--', '--database.url=postgresql://x/y');
    assert.equal(code, EXIT.config, said);
    assert.match(said, /pg_dump/);
  });
});
