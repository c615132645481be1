import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Context } from 'mocha';
import { requireThat, requireTool } from '@licet/checks';
import { scriptOf } from './page.ts';

const COMMANDS = {
  licet: '../licet.js',
  'licet-server': '../../../server/start.js',
  'licet-signer': '../../../ca/authority/signer/start.js',
};

/** No device but the loopback, so that a server inside can be talked to. */
const EMPTY_NETWORK = ['unshare', '--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh'];

export function requireEmptyNetwork(context: Context): void {
  requireTool(context, 'unshare', 'ip', 'bash');
  const [program, ...args] = [...EMPTY_NETWORK, 'true'];
  const isAllowed = spawnSync(program, args).status === 0;
  requireThat(context, isAllowed ? [] : ['the right to make a network namespace']);
}

/** A folder in which somebody types what a page says, with the commands in their PATH. */
export class Room {
  readonly #base = mkdtempSync(join(tmpdir(), 'licet-ceremony-'));
  readonly folder = join(this.#base, 'room');
  readonly #bin = join(this.#base, 'bin');

  constructor() {
    mkdirSync(this.folder);
    mkdirSync(this.#bin);
    for (const [name, file] of Object.entries(COMMANDS)) {
      const command = `#!/bin/sh\nexec "${process.execPath}" "${join(import.meta.dirname, file)}" "$@"\n`;
      writeFileSync(join(this.#bin, name), command, { mode: 0o755 });
    }
  }

  /** Runs the blocks of a part of a page as they stand there, and gives everything that was said. */
  walk(part: string, { network }: { readonly network: boolean }, more: NodeJS.ProcessEnv = {}): string {
    const script = join(this.#base, 'page.sh');
    writeFileSync(script, scriptOf(part));
    const [program, ...args] = [...(network ? [] : EMPTY_NETWORK), 'bash', script];
    const { status, stdout, stderr } = spawnSync(program, args, {
      cwd: this.folder,
      encoding: 'utf8',
      env: {
        ...process.env,
        PATH: `${this.#bin}:${process.env['PATH'] ?? ''}`,
        LICET_CONTEXTS: join(this.#base, 'contexts.json'),
        ...more,
      },
    });
    assert.equal(status, 0, `${stdout}${stderr}`.slice(-1500));
    return `${stdout}${stderr}`;
  }

  remove(): void {
    rmSync(this.#base, { recursive: true, force: true });
  }
}
