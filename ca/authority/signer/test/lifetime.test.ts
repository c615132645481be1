import assert from 'node:assert/strict';
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { Readable } from 'node:stream';
import { setTimeout as pause } from 'node:timers/promises';
import { SignerClient } from '../client.ts';
import { openFileVault } from '../open.ts';
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
  const run = (...args: string[]) => spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });

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

  it('stands alone with a launch file, and ends when it is told to', async () => {
    const socket = join(folder(), 'socket');
    const launch = {
      folder: join(folder(), 'signer'),
      socket,
      vault: { kind: 'file', passphraseFile: join(folder(), 'passphrase') },
    };
    writeFileSync(join(folder(), 'signer.json'), JSON.stringify(launch));
    const signer = run(join(import.meta.dirname, '../process.ts'), join(folder(), 'signer.json'));
    assert.equal(await firstLine(signer), '{"ready":true}');
    const client = new SignerClient({ path: socket });
    await client.ping();
    await client.close();
    signer.kill('SIGTERM');
    const [code] = (await once(signer, 'exit')) as [number];
    assert.equal(code, 0);
  });

  it('does not begin with a launch file that says something unknown', async () => {
    writeFileSync(join(folder(), 'signer.json'), '{"folder":"x","socket":"y","vault":{"kind":"paper"}}');
    const signer = run(join(import.meta.dirname, '../process.ts'), join(folder(), 'signer.json'));
    assert.match(await firstLine(signer), /"kind\\" is none of file, pkcs11, aws-kms/);
  });
});
