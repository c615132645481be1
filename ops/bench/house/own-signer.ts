import { type ChildProcess, spawn } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PROGRAM = join(import.meta.dirname, '../../../ca/authority/signer/process.ts');

type Env = Readonly<Record<string, string>>;

/** A signer that stands by itself, as under a service manager, for any number of servers. */
export class OwnSigner {
  readonly #folder = mkdtempSync(join(tmpdir(), 'licet-drill-signer-'));
  readonly socket = join(this.#folder, 'signer.sock');
  #child: ChildProcess | undefined;

  static async start(env: Env = {}): Promise<OwnSigner> {
    const signer = new OwnSigner();
    const passphraseFile = join(signer.#folder, 'passphrase');
    writeFileSync(passphraseFile, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600 });
    const launch = { folder: signer.#folder, socket: signer.socket, vault: { kind: 'file', passphraseFile } };
    writeFileSync(signer.#launch, JSON.stringify(launch));
    await signer.begin(env);
    return signer;
  }

  get pid(): number {
    return this.#child!.pid!;
  }

  /** Also once more, after `close`. */
  async begin(env: Env = {}): Promise<void> {
    const child = spawn(process.execPath, [PROGRAM, this.#launch], {
      env: { PATH: process.env['PATH'] ?? '', ...env },
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    const said = String(((await once(child.stdout, 'data')) as [Buffer])[0]);
    if (!said.includes('"ready":true')) throw new Error(`The signer did not start: ${said}`);
  }

  async close(): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }

  get #launch(): string {
    return join(this.#folder, 'signer.json');
  }
}
