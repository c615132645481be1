import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { writeDurably } from './durable.ts';
import { AgentError } from './errors.ts';
import type { SiteFolder } from './site-folder.ts';

const TIMEOUT_MS = 60_000;

/**
 * What `--hook` names is run once for each license that comes into use, whoever has put it there: this agent, or a person
 * while it runs or while it does not. `hooked` says for which it was run last. One that lies there before there was a hook
 * has been loaded by whoever was started with it.
 */
export class Hook {
  readonly #folder: SiteFolder;
  readonly #command: string;
  #last: string | undefined;

  private constructor(folder: SiteFolder, command: string) {
    this.#folder = folder;
    this.#command = command;
  }

  static async open(folder: SiteFolder, command: string, log: (message: string) => void): Promise<Hook> {
    const hook = new Hook(folder, command);
    hook.#last = await read(folder, 'hooked');
    if (hook.#last === undefined) await hook.#remember((await read(folder, 'installed')) ?? '', log);
    return hook;
  }

  async runIfNew(log: (message: string) => void): Promise<void> {
    const installed = await read(this.#folder, 'installed');
    if (installed === undefined || installed === this.#last) return;
    // First, for a hook that ends this agent would else be run at each start.
    await this.#remember(installed, log);
    await runHook(this.#command, this.#folder.path, log);
  }

  async #remember(installed: string, log: (message: string) => void): Promise<void> {
    this.#last = installed;
    await writeDurably(this.#folder.file('hooked'), installed).catch((error: unknown) => {
      if (!(error instanceof AgentError)) throw error;
      log(error.message);
    });
  }
}

/** One that cannot be read is read again soon. */
const read = (folder: SiteFolder, name: string): Promise<string | undefined> =>
  readFile(folder.file(name), 'utf8').catch(() => undefined);

/**
 * A hook that fails is told of, and is no reason to lose the new license. It has ended when its shell has: what that has
 * left to run, as a server that it has started, goes on, and would hold a pipe to here for as long. What it says goes where
 * the agent says its own.
 */
function runHook(command: string, folder: string, log: (message: string) => void): Promise<void> {
  return new Promise((resolve) => {
    const env = { ...process.env, LICET_FOLDER: folder };
    const hook = spawn('/bin/sh', ['-c', command], {
      env,
      timeout: TIMEOUT_MS,
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    const end = (why: string | undefined): void => {
      if (why !== undefined) log(`the hook failed: ${why}`);
      resolve();
    };
    hook.once('error', ({ message }) => end(message));
    hook.once('exit', (code, signal) => {
      const late = signal === 'SIGTERM' ? ` (it has ${TIMEOUT_MS / 1000} s)` : '';
      end(code === 0 ? undefined : code === null ? `ended by ${signal}${late}` : `it ended with ${code}`);
    });
  });
}
