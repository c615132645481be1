import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = join(import.meta.dirname, '../../../ca/authority/signer/process.ts');

/** A signer that stands by itself, as under a service manager, for any number of servers. */
export class OwnSigner {
  readonly socket: string;
  readonly #child: ChildProcess;

  private constructor(socket: string, child: ChildProcess) {
    this.socket = socket;
    this.#child = child;
  }

  static async start(env: Readonly<Record<string, string>> = {}): Promise<OwnSigner> {
    const folder = mkdtempSync(join(tmpdir(), 'licet-drill-signer-'));
    const socket = join(folder, 'signer.sock');
    const passphraseFile = join(folder, 'passphrase');
    const launch = join(folder, 'signer.json');
    writeFileSync(passphraseFile, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 });
    writeFileSync(launch, JSON.stringify({ folder, socket, vault: { kind: 'file', passphraseFile } }));
    const child = spawn(process.execPath, [PROGRAM, launch], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    if (!line.toString('utf8').includes('"ready":true'))
      throw new Error(`The signer did not start: ${line.toString('utf8')}`);
    return new OwnSigner(socket, child);
  }

  async close(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
  }
}
