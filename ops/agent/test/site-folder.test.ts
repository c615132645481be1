import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { chmod, lchown, mkdir, mkdtemp, readdir, readFile, readlink, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Hook } from '../hook.ts';
import { lockFolder } from '../lock.ts';
import { actAsOwnerOf } from '../owner.ts';
import { SiteFolder } from '../site-folder.ts';
import { openSite } from '../site.ts';

const inside = async (path: string): Promise<string[]> =>
  (await readdir(path, { recursive: true })).map((name) => join(path, name));

describe('The folder of a site', () => {
  let path: string;
  beforeEach(async () => {
    path = await mkdtemp(join(tmpdir(), 'licet-agent-'));
  });
  afterEach(() => rm(path, { recursive: true, force: true }));

  it('holds key and license where products expect them, the key for its owner alone', async () => {
    const folder = new SiteFolder(path);
    await folder.prepare();
    await folder.install({ key: 'a key', license: 'a license' });
    assert.equal(await readFile(join(path, 'site.lic'), 'utf8'), 'a license');
    assert.equal(await readFile(join(path, 'site.key'), 'utf8'), 'a key');
    assert.equal((await stat(join(path, 'site.key'))).mode & 0o777, 0o600);
    assert.deepEqual(await folder.current(), { key: 'a key', license: 'a license' });
  });

  it('lets products read what is for them, whatever the umask, and where an older agent did not', async () => {
    const umask = process.umask(0o077);
    const folder = new SiteFolder(path);
    const modes = async () => {
      const names = ['generations', 'current', 'site.lic', 'evidence', 'evidence/1.crl', 'site.key'];
      return Promise.all(names.map(async (name) => ((await stat(join(path, name))).mode & 0o777).toString(8)));
    };
    try {
      await folder.prepare();
      await folder.install({ key: '1', license: '1' });
      await folder.keepEvidence('1', 'crl', new Uint8Array([1]));
      assert.deepEqual(await modes(), ['755', '755', '644', '755', '644', '600']);
      for (const name of ['generations', 'current', 'evidence']) await chmod(join(path, name), 0o700);
      await folder.prepare();
      assert.deepEqual(await modes(), ['755', '755', '644', '755', '644', '600']);
    } finally {
      process.umask(umask);
    }
  });

  it('keeps a few old generations and no more', async () => {
    const folder = new SiteFolder(path);
    await folder.prepare();
    for (const number of ['1', '2', '3', '4', '5']) await folder.install({ key: number, license: number });
    assert.equal((await readdir(join(path, 'generations'))).length, 3);
    assert.deepEqual(await folder.current(), { key: '5', license: '5' });
  });

  it('says in a file which license it has, also after a crash before that was written', async () => {
    const folder = new SiteFolder(path);
    await folder.prepare();
    const installed = () => readFile(join(path, 'installed'), 'utf8');
    await folder.install({ key: '1', license: '1' });
    const first = await installed();
    assert.equal(await readlink(join(path, 'current')), first);
    await folder.install({ key: '2', license: '2' });
    const second = await installed();
    assert.notEqual(second, first);
    await writeFile(join(path, 'installed'), first);
    await folder.prepare();
    assert.equal(await installed(), second);
    const { mtimeMs } = await stat(join(path, 'installed'));
    await folder.prepare();
    assert.equal((await stat(join(path, 'installed'))).mtimeMs, mtimeMs, 'written only when there is something new');
  });

  it('can be looked into where nothing can be written any more', async () => {
    const folder = new SiteFolder(path);
    await folder.prepare();
    await folder.install({ key: '1', license: '1' });
    await rm(join(path, 'installed'));
    await chmod(path, 0o500);
    // Root may write anywhere.
    if (process.getuid?.() === 0)
      await Promise.all([path, ...(await inside(path))].map((one) => lchown(one, 61_234, 61_234)));
    const back = actAsOwnerOf(path);
    try {
      await folder.prepare();
      assert.deepEqual(await folder.current(), { key: '1', license: '1' });
      await assert.rejects(folder.install({ key: '2', license: '2' }), { code: 'FOLDER_READ_ONLY' });
    } finally {
      back();
      await chmod(path, 0o700);
    }
  });

  it('never holds a key beside the license of another, wherever it is killed', async function () {
    this.timeout(30_000);
    const child = join(import.meta.dirname, 'install-forever.ts');
    for (let round = 0; round < 12; round++) {
      const agent = spawn(process.execPath, [child, path], { stdio: ['ignore', 'pipe', 'inherit'] });
      let told = '';
      agent.stdout.on('data', (chunk: Buffer) => (told += chunk.toString()));
      await once(agent.stdout, 'data');
      await pause(round * 7);
      agent.kill('SIGKILL');
      await once(agent, 'close');
      const folder = new SiteFolder(path);
      await folder.prepare();
      const current = await folder.current();
      assert.ok(current !== undefined);
      assert.equal(current.key, current.license);
      await folder.pending();
      const acknowledged = Number(told.trim().split('\n').at(-1));
      assert.ok(Number(current.license) >= acknowledged, `${current.license} after ${acknowledged} was reported`);
      assert.deepEqual(
        (await readdir(path)).filter((name) => name.endsWith('.tmp')),
        [],
      );
    }
  });

  it('belongs to one agent at a time, also of those in other containers, and is free again when that was killed', async () => {
    const program = `import { lockFolder } from ${JSON.stringify(join(import.meta.dirname, '../lock.ts'))};
      lockFolder(${JSON.stringify(path)});
      console.log('locked');
      setInterval(() => {}, 1000);`;
    const alone = ['unshare', '--map-root-user', '--net', '--pid', '--fork', '--kill-child'];
    const prefix = spawnSync(alone[0]!, [...alone.slice(1), 'true']).status === 0 ? alone : ['env'];
    const args = [...prefix.slice(1), process.execPath, '--input-type=module', '-e', program];
    const other = spawn(prefix[0]!, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(other.stdout, 'data');
    assert.throws(() => lockFolder(path), { code: 'FOLDER_IN_USE' });
    other.kill('SIGKILL');
    await once(other.stdout, 'close');
    const release = lockFolder(path);
    assert.throws(() => lockFolder(path), { code: 'FOLDER_IN_USE' });
    lockFolder(path, 'answers')();
    assert.equal((await stat(join(path, 'lock'))).mode & 0o777, 0o600, 'nobody else can take it');
    release();
    lockFolder(path)();
  });

  it('has the hook run once for each new license, whoever has put it there, also while no agent ran', async () => {
    const folder = new SiteFolder(path);
    await folder.prepare();
    await folder.install({ key: '1', license: '1' });
    const look = async () => {
      const command = 'cat "$LICET_FOLDER/site.lic" >> "$LICET_FOLDER/loaded"';
      const hook = await Hook.open(folder, command, assert.fail);
      for (const _ of [1, 2]) await hook.runIfNew(assert.fail);
      return readFile(join(path, 'loaded'), 'utf8').catch(() => '');
    };
    assert.equal(await look(), '', 'that was there before');
    for (const number of ['2', '3']) await folder.install({ key: number, license: number });
    assert.equal(await look(), '3');
    await folder.install({ key: '4', license: '4' });
    assert.equal(await look(), '34');
  });

  it('has the hook done when its command is, whatever that has left to run', async () => {
    const folder = new SiteFolder(path);
    await folder.prepare();
    const hook = await Hook.open(folder, 'sleep 20 & echo $! > "$LICET_FOLDER/left"', assert.fail);
    await folder.install({ key: '1', license: '1' });
    const began = performance.now();
    await hook.runIfNew(assert.fail);
    const took = performance.now() - began;
    process.kill(Number(await readFile(join(path, 'left'), 'utf8')));
    assert.ok(took < 10_000, `after ${took} ms`);
  });

  it('has it told why the hook failed', async () => {
    const folder = new SiteFolder(path);
    await folder.prepare();
    const told: string[] = [];
    const hook = await Hook.open(folder, 'exit 3', assert.fail);
    await folder.install({ key: '1', license: '1' });
    await hook.runIfNew((message) => told.push(message));
    assert.deepEqual(told, ['the hook failed: it ended with 3']);
  });

  it('is left as it is by who only reads, since another agent may be writing there', async () => {
    await new SiteFolder(path).prepare();
    await mkdir(join(path, 'generations', 'new.tmp'));
    await writeFile(join(path, 'pending.tmp'), '');
    const seen = (await inside(path)).sort();
    await (await openSite(path, { servers: [] }, { isReader: true })).close();
    assert.deepEqual((await inside(path)).sort(), seen);
    await (await openSite(path, { servers: [] })).close();
    assert.deepEqual((await inside(path)).sort(), [join(path, 'evidence'), join(path, 'generations')]);
  });

  it('takes half of an open request for damage, and not for none', async () => {
    const folder = new SiteFolder(path);
    await folder.prepare();
    for (const file of ['site.key', 'request.der']) {
      await folder.keepPending({ key: 'a key', request: Buffer.from('a request') });
      await rm(join(path, 'pending', file));
      await assert.rejects(folder.pending(), { code: 'STATE_DAMAGED' });
    }
    await folder.dropPending();
    assert.equal(await folder.pending(), undefined);
  });
});
