import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

import { verifyExport } from '../licensing/audit/export.ts';
import { auditLog } from '../persistence/audit-log.ts';
import { type TestDatabase, testDatabase } from '../persistence/test/test-database.ts';

const program = fileURLToPath(new URL('../programs/audit.ts', import.meta.url));

describe('The audit program, on a database', () => {
  let database: TestDatabase;
  before(async function () {
    database = await testDatabase(this);
    const event = (organization: string) => ({
      organization,
      at: new Date('2026-05-01T12:00:00Z'),
      actor: 'user:1',
      action: 'license.issued',
      subject: 'site:1',
    });
    await database.run('platform', (tx) => auditLog.append(tx, ['acme', 'acme', 'acme', 'globex'].map(event)));
  });
  after(() => database?.close());

  const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
    spawnSync(process.execPath, [program, ...args], {
      env: { ...process.env, LICET_DATABASE_URL: database.url },
      encoding: 'utf8',
    });

  it('finds every chain good and exits with 0', () => {
    const { status, stdout, stderr } = run('verify');
    assert.deepEqual([status, stderr], [0, '']);
    assert.match(stdout, /^GOOD .*"acme": 3 rows.*\nGOOD .*"globex": 1 rows.*\n$/);
  });

  it('exports what can be checked without it', async () => {
    const { status, stdout } = run('export', '--organization=acme');
    const [report] = await Array.fromAsync(verifyExport(stdout.split('\n')));
    assert.deepEqual([status, report?.rows, report?.finding], [0, 3, undefined]);
  });

  it('exits with 2 when it cannot understand the question', function () {
    this.timeout(10_000);
    for (const args of [['forge'], ['verify', '--from', '0'], ['verify', '--', '--no.flag=1']]) {
      const { status, stdout, stderr } = run(...args);
      assert.deepEqual([status, stdout], [2, '']);
      assert.match(stderr, /^licet: ./);
    }
  });

  it('names the first bad row, exits with 1, and vouches only for the chain that is good', async function () {
    this.timeout(10_000);
    await database.dataSource.query('alter table audit_log disable trigger all');
    await database.dataSource.query(
      `update audit_log set actor = 'user:2' where organization = 'acme' and sequence = 2`,
    );
    const verified = run('verify');
    assert.equal(verified.status, 1);
    assert.match(verified.stdout, /^BROKEN {2}Row 2 of the audit log of "acme" .*\[AUDIT_HASH\] 1 rows before it/);
    const noted = run('checkpoint');
    assert.equal(noted.status, 1);
    assert.match(noted.stdout, /^\{"head":\{"hash":"[0-9a-f]{64}","organization":"globex","sequence":1\}\}\n$/);
  });
});
