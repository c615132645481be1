import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beginJournal } from '@licet/authority';
import { systemClock } from '../clock.ts';

const SERVER = join(import.meta.dirname, '..');
const FREE_PORTS = ['--http.port', '0', '--http.plain.port', '0', '--operations.port', '0', '--http.tls.mode', 'off'];

type Ready = { readonly checks: readonly { readonly name: string; readonly ok: boolean; readonly detail?: string }[] };

/** The clock of a whole process, ahead. */
const ahead = (days: number): string =>
  `data:text/javascript,const Real=Date,by=${days * 86_400_000};globalThis.Date=class extends Real{constructor(...a){a.length?super(...a):super(Real.now()+by)}static now(){return Real.now()+by}}`;

describe('The reconcile program, beside the folder of an evaluation', function () {
  this.timeout(120_000);
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'licet-reconcile-'));
    await serve();
  });
  after(() => rmSync(folder, { recursive: true }));

  const place = () => ['--data.folder', join(folder, 'data')];

  /** Starts the server, asks it whether it is ready, and stops it. */
  async function serve(...node: string[]): Promise<Ready> {
    const child = spawn(process.execPath, [...node, join(SERVER, 'start.js'), ...FREE_PORTS, ...place()], {
      cwd: folder,
      env: { PATH: process.env['PATH'] },
    });
    const closed = once(child, 'close');
    let told = '';
    child.stderr.on('data', (data) => (told += String(data)));
    const operations = new Promise<string>((resolve, reject) => {
      child.stdout.on('data', (data) => {
        told += String(data);
        const line = told.split('\n').find((one) => one.includes('"message":"ready"') && one.endsWith('}'));
        if (line !== undefined) resolve((JSON.parse(line) as { operations: string }).operations);
      });
      void closed.then(([code]) => reject(new Error(`ended with ${code}: ${told}`)));
    });
    try {
      return (await (await fetch(`${await operations}/readyz`)).json()) as Ready;
    } finally {
      child.kill('SIGTERM');
      await closed;
    }
  }

  const run = (program: 'reconcile' | 'authority', ...args: string[]): { status: number | null; said: string[] } => {
    const file = join(SERVER, 'programs', `${program}.ts`);
    const { status, stdout, stderr } = spawnSync(process.execPath, [file, ...args, '--', ...place()], {
      cwd: folder,
      encoding: 'utf8',
    });
    return { status, said: (stdout + stderr).trimEnd().split('\n') };
  };

  const crls = ({ checks }: Ready) => checks.find(({ name }) => name === 'crls');

  it('has lists from the future followed by present ones when an operator says that the clock was ahead', async () => {
    assert.equal(crls(await serve())?.detail, undefined);
    await serve('--import', ahead(6));
    assert.match(crls(await serve())?.detail ?? '', /begins at .* to come: .*"licet reconcile --accept-clock"/);
    const { status, said } = run('reconcile', '--accept-clock');
    assert.equal(status, 0, said.join('\n'));
    assert.match(said[0]!, new RegExp(`^It is ${new Date().toISOString().slice(0, 10)}`));
    assert.match(said[1]!, /^[1-9]\d* CRLs were made by it; /);
    const after = crls(await serve());
    assert.deepEqual([after?.ok, after?.detail], [true, undefined]);
  });

  it('says in one sentence with a code what it does not do', async () => {
    const refused = (code: string, text: RegExp, { status, said }: ReturnType<typeof run>) => {
      assert.deepEqual([status, said.length], [1, 1], said.join('\n'));
      assert.match(said[0]!, text);
      assert.ok(said[0]!.startsWith('licet: ') && said[0]!.endsWith(` [${code}]`), said[0]);
    };
    refused('JOURNAL_NOT_LOST', /none is lost: run "licet reconcile"/, run('reconcile', '--accept-journal'));
    const [key] = run('authority', 'list')
      .said.filter((line) => line.includes(' organization '))
      .map((line) => line.split(' ')[0]!);
    const journal = join(folder, 'data/signer/journal');
    rmSync(journal, { recursive: true });
    await beginJournal(journal, systemClock);
    const lost = /is not the one that the database has seen: restore .*"licet reconcile --accept-journal"/;
    refused('JOURNAL_LOST', lost, run('reconcile'));
    refused('JOURNAL_LOST', lost, run('reconcile', '--accept-clock'));
    refused('JOURNAL_LOST', lost, run('authority', 'rollover', key!));
    const { status, said } = run('reconcile', '--accept-journal');
    assert.deepEqual([status, said.length], [0, 1], said.join('\n'));
    assert.equal(crls(await serve())?.ok, true);
  });
});
