import assert from 'node:assert/strict';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openSigner } from '@licet/authority';
import { Command } from 'commander';
import { register } from '../commands/keys.ts';
import { CliError, type CliIo } from '../io.ts';

describe('licet keys', function () {
  this.timeout(20_000);
  let folder: string;
  let out: string[];
  let id: string;

  beforeEach(async () => {
    folder = mkdtempSync(join(tmpdir(), 'licet-keys-'));
    out = [];
    for (const secret of ['one', 'two']) writeFileSync(join(folder, secret), `${secret}\n`);
    // The folder remembers the low cost, so the commands are quick here too.
    const signer = await openSigner({
      folder,
      clock: { now: () => new Date() },
      keys: { passphrase: Buffer.from('one') },
      scryptCost: 1024,
    });
    ({ id } = await signer.createKey({ purpose: 'organization', algorithm: 'P-256', organization: 'Acme' }));
    await signer.close();
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  async function run(...args: string[]): Promise<string> {
    out = [];
    const io: CliIo = {
      out: (text) => void out.push(text),
      err: () => {},
      stdin: process.stdin,
      env: {},
      now: () => new Date(),
      exit: () => {},
    };
    const program = new Command().exitOverride();
    register(program, io);
    await program.parseAsync(['keys', ...args, '--folder', folder], { from: 'user' });
    return out.join('\n');
  }

  it('lists keys without a passphrase', async () => {
    assert.match(
      await run('list'),
      new RegExp(`^${id} .*organization .*P-256 .*generation 1 .*no certificate .*Acme$`),
    );
    assert.equal((JSON.parse(await run('list', '--json')) as { id: string }).id, id);
  });

  it('rotates a key into its next generation', async () => {
    assert.match(await run('rotate', id, '--passphrase-file', join(folder, 'one')), /generation 2/);
    assert.equal((await run('list')).split('\n').length, 2);
    await assert.rejects(run('rotate', 'nobody', '--passphrase-file', join(folder, 'one')), { code: 'KEY_UNKNOWN' });
  });

  it('makes nothing in a folder that holds no keys', async () => {
    const signer = folder;
    folder = join(folder, 'mistyped');
    await assert.rejects(run('rotate', id, '--passphrase-file', join(signer, 'one')), { code: 'NO_INPUT' });
    await assert.rejects(run('begin-journal'), { code: 'NO_INPUT' });
    assert.equal(existsSync(folder), false);
    folder = signer;
  });

  it('begins a journal where the one of the keys is lost for good, and only there', async () => {
    const rotate = ['rotate', id, '--passphrase-file', join(folder, 'one')];
    const begun = () => readFileSync(join(folder, 'journal/journal-00000000000000000001.lj'));
    const before = begun();
    await run('begin-journal');
    assert.deepEqual(begun(), before);
    rmSync(join(folder, 'journal'), { recursive: true });
    await assert.rejects(run(...rotate), { code: 'JOURNAL_LOST' });
    assert.match(await run('begin-journal'), /"licet reconcile --accept-journal"/);
    assert.match(await run(...rotate), /generation 2/);
  });

  it('gives the keys a new passphrase', async () => {
    const both = ['--passphrase-file', join(folder, 'one'), '--new-passphrase-file', join(folder, 'two')];
    assert.equal(await run('rewrap', ...both), '1 key sealed anew.');
    await assert.rejects(run('rotate', id, '--passphrase-file', join(folder, 'one')), { code: 'KEY_LOCKED' });
    assert.match(await run('rotate', id, '--passphrase-file', join(folder, 'two')), /generation 2/);
  });

  it('keeps away from a folder in which a signer works', async () => {
    const signer = await openSigner({
      folder,
      clock: { now: () => new Date() },
      keys: { passphrase: Buffer.from('one') },
    });
    await assert.rejects(run('rewrap', '--passphrase-file', join(folder, 'one')), { code: 'SIGNER_UNAVAILABLE' });
    await signer.close();
  });

  it('says in one line which file is missing', async () => {
    await assert.rejects(run('rewrap', '--passphrase-file', join(folder, 'nothing')), (error: unknown) => {
      assert.ok(error instanceof CliError);
      assert.equal(error.code, 'NO_INPUT');
      return true;
    });
  });
});
