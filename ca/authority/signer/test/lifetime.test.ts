import assert from 'node:assert/strict';
import { type ChildProcess, type ChildProcessByStdio, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { SignerClient } from '../client.ts';
import { openFileVault } from '../open.ts';
import { signerSocketIn } from '../socket.ts';
import { startSigner } from '../supervisor.ts';
import { hasCode } from './errors.ts';
import { FAST, PASSPHRASE, passphrase, withFolder } from './hierarchy.ts';

async function firstLine(child: ChildProcessByStdio<null, Readable, null>): Promise<string> {
  const [line] = (await once(createInterface({ input: child.stdout }), 'line')) as [string];
  return line;
}

async function untilGone(pid: number): Promise<void> {
  for (let i = 0; i < 200; i += 1) {
    if (!existsSync(`/proc/${pid}`)) return;
    await pause(10);
  }
  assert.fail(`process ${pid} still runs`);
}

describe('The life of the signer process', function () {
  this.timeout(15_000);
  const folder = withFolder();
  const children: ChildProcess[] = [];
  const run = (...args: string[]) => {
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    children.push(child);
    return child;
  };
  afterEach(() => children.splice(0).forEach((child) => child.kill('SIGKILL')));

  beforeEach(async () => {
    writeFileSync(join(folder(), 'passphrase'), PASSPHRASE);
    await (await openFileVault(join(folder(), 'signer/keys'), passphrase(), FAST)).close();
  });

  it('ends with the server, also when that is killed', async () => {
    const options = {
      folder: join(folder(), 'signer'),
      vault: { kind: 'file', passphraseFile: join(folder(), 'passphrase') },
    };
    const script = `
      const { startSigner } = await import(${JSON.stringify(join(import.meta.dirname, '../supervisor.ts'))});
      const signer = await startSigner(${JSON.stringify(options)});
      console.log(signer.pid());`;
    const server = run('--input-type=module', '-e', script);
    const pid = Number(await firstLine(server));
    assert.ok(existsSync(`/proc/${pid}`));
    server.kill('SIGKILL');
    await untilGone(pid);
  });

  const START = join(import.meta.dirname, '../start.js');
  const LAUNCH = { folder: 'signer', socket: 'socket', vault: { kind: 'file', passphraseFile: 'passphrase' } };
  const alone = (launch: object) => {
    writeFileSync(join(folder(), 'signer.json'), JSON.stringify(launch));
    return run(START, join(folder(), 'signer.json'));
  };
  const end = async (signer: ReturnType<typeof run>) => {
    signer.kill('SIGTERM');
    assert.deepEqual(await once(signer, 'exit'), [0, null]);
  };
  const mode = () => (statSync(join(folder(), 'socket')).mode & 0o777).toString(8);

  it('stands alone with a launch file, guarded like any other, and ends when it is told to', async () => {
    const signer = alone(LAUNCH);
    assert.equal(await firstLine(signer), '{"ready":true}');
    const client = new SignerClient({ path: join(folder(), 'socket') });
    await client.ping();
    await client.close();
    assert.equal(mode(), '600');
    assert.match(readFileSync(`/proc/${signer.pid}/limits`, 'utf8'), /Max core file size\s+0\s+0/);
    assert.match(readFileSync(`/proc/${signer.pid}/cmdline`, 'utf8'), /--disable-sigusr1/);
    await end(signer);
  });

  it('lets its group connect where the launch says so, and opens nothing else to it', async () => {
    const signer = alone({ ...LAUNCH, access: 'group' });
    await firstLine(signer);
    assert.equal(mode(), '660');
    for (const place of ['signer', 'signer/keys', 'signer/journal']) {
      assert.equal(statSync(join(folder(), place)).mode & 0o077, 0, place);
    }
    await end(signer);
  });

  it('takes the place of one that was killed, and its callers find it', async () => {
    const first = alone(LAUNCH);
    await firstLine(first);
    const client = new SignerClient({ path: join(folder(), 'socket') });
    await client.ping();
    first.kill('SIGKILL');
    await once(first, 'exit');
    // The first may have been on its way when the link broke.
    await assert.rejects(client.ping(), hasCode('SIGNER_UNAVAILABLE'));
    await assert.rejects(
      client.ping(),
      hasCode('SIGNER_UNAVAILABLE', /cannot be reached: connect ECONNREFUSED .*socket/),
    );
    const second = alone(LAUNCH);
    await firstLine(second);
    const isBack = () =>
      client.ping().then(
        () => true,
        () => false,
      );
    for (let tries = 0; !(await isBack()); tries += 1) {
      assert.ok(tries < 100, 'the client does not find it again');
      await pause(20);
    }
    await client.close();
    await end(second);
  });

  it('leaves its socket to the signer that listens there already', async () => {
    const first = alone(LAUNCH);
    await firstLine(first);
    const second = alone({ ...LAUNCH, folder: 'another' });
    assert.match(await firstLine(second), /"SIGNER_UNAVAILABLE","message":"Another signer listens at .*socket/);
    await once(second, 'exit');
    const client = new SignerClient({ path: join(folder(), 'socket') });
    await client.ping();
    await client.close();
    await end(first);
  });

  it('names the folder of its socket when that is missing', async () => {
    assert.match(await firstLine(alone({ ...LAUNCH, socket: 'nowhere/socket' })), /ENOENT.*nowhere'/);
  });

  it('is found by its folder, also where the path of its socket is longer than addresses may be', async () => {
    const deep = join(folder(), 'd'.repeat(120));
    mkdirSync(deep);
    renameSync(join(folder(), 'signer'), join(deep, 'signer'));
    const vault = { kind: 'file', passphraseFile: join(folder(), 'passphrase') } as const;
    const { close } = await startSigner({ folder: join(deep, 'signer'), vault });
    const client = new SignerClient({ path: signerSocketIn(join(deep, 'signer')) });
    await client.ping();
    await client.close();
    await close();
    assert.deepEqual(readdirSync(join(deep, 'signer')).toSorted(), ['anchors', 'journal', 'keys']);
  });

  it('does not begin with a launch file that is missing or says something unknown', async () => {
    const said = async (signer: ChildProcess) => {
      let text = '';
      signer.stderr!.on('data', (data) => (text += String(data)));
      const [code] = (await once(signer, 'close')) as [number];
      return `${code} ${text}`;
    };
    const start = (...args: string[]) =>
      spawn(process.execPath, [START, ...args], { stdio: ['ignore', 'ignore', 'pipe'] });
    writeFileSync(join(folder(), 'signer.json'), '{"folder":"x","socket":"y","vault":{"kind":"paper"}}');
    const wrong = await said(start(join(folder(), 'signer.json')));
    assert.match(wrong, /^78 licet signer: .*signer\.json cannot be used: "kind" is none of file, pkcs11, aws-kms/);
    assert.match(await said(start(join(folder(), 'nothing'))), /^78 licet signer: .*nothing cannot be used: ENOENT/);
    assert.match(await said(start()), /^78 licet signer: usage: /);
    writeFileSync(join(folder(), 'signer.json'), JSON.stringify(LAUNCH));
    rmSync(join(folder(), 'passphrase'));
    const locked = start(join(folder(), 'signer.json'));
    assert.equal(await said(locked), '1 ', 'the reason is for standard output, and no stack is shown');
  });
});
