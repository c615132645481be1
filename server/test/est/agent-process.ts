import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { type AddressInfo, connect, createServer } from 'node:net';
import { join, resolve } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { run, type Ran } from './est-server.ts';

const AGENT = resolve(import.meta.dirname, '../../../ops/agent/licet-agent.js');

/** What it says to who enrols or renews before an authority that publishes nothing: here all but the server process. */
export const NO_EVIDENCE =
  /^licet-agent: The license is in place, but .+ \(http:\/\/127\.0\.0\.1:9 cannot be reached: .+\n$/;

/** The agent as people run it: a process with a folder. */
export class AgentProcess {
  readonly folder: string;
  readonly #prefix: readonly string[];

  /** `prefix`: a program that runs it, such as faketime. */
  constructor(folder: string, prefix: readonly string[] = []) {
    this.folder = folder;
    this.#prefix = prefix;
  }

  run(command: string, ...options: string[]): Promise<Ran> {
    const [program = '', ...args] = this.#line(command, options);
    return run(program, args);
  }

  start(command: string, ...options: string[]): ChildProcess {
    return startProcess(this.#line(command, options));
  }

  /** As systemd starts it, by the unit that the agent itself writes. */
  async startByUnit(): Promise<ChildProcess> {
    const { out } = await this.run('install');
    return startProcess(/^ExecStart=(.*)$/m.exec(out)?.[1]?.split(' ') ?? []);
  }

  license(): string {
    return readFileSync(join(this.folder, 'site.lic'), 'utf8');
  }

  #line(command: string, options: readonly string[]): string[] {
    return [...this.#prefix, process.execPath, AGENT, command, '--folder', this.folder, ...options];
  }
}

const startProcess = ([program = '', ...args]: readonly string[]): ChildProcess =>
  spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });

/**
 * In kilobytes: what is not of files, now; and all of it, at its highest. The kernel may come to map the text of a program
 * that runs often in pages of 2 MB, and then counts all of Node where half of it is used: that is not taken for memory.
 */
export function memoryOf(pid: number | undefined): { own: number; most: number } {
  const valueIn = (file: string, name: string): number =>
    Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${pid}/${file}`, 'utf8'))?.[1]);
  return {
    own: valueIn('status', 'RssAnon'),
    most: valueIn('status', 'VmHWM') - valueIn('smaps_rollup', 'FilePmdMapped'),
  };
}

/** What an agent answers to products; one that has just been started is given time. */
export async function askSocket(socketPath: string, path: string, body?: string): Promise<string> {
  for (let tries = 0; ; tries++) {
    try {
      return await askOnce(socketPath, path, body);
    } catch (error) {
      // A socket lies there a moment before somebody listens.
      const { code } = error as NodeJS.ErrnoException;
      if (tries > 500 || (code !== 'ENOENT' && code !== 'ECONNREFUSED')) throw error;
      await pause(20);
    }
  }
}

function askOnce(socketPath: string, path: string, body: string | undefined): Promise<string> {
  return new Promise((resolve, reject) => {
    const method = body === undefined ? 'GET' : 'POST';
    const asked = request({ socketPath, path, method }, (response) => {
      let text = '';
      response.on('data', (data) => (text += String(data)));
      response.on('end', () => resolve(text));
    });
    asked.once('error', reject).end(body);
  });
}

/** A wire to the server that can be told to lose every answer: the server has done what was asked, the site never hears. */
export async function openWire(port: number) {
  const state = { loses: false, connections: 0, lost: 0 };
  const server = createServer((site) => {
    state.connections += 1;
    const upstream = connect(port, '127.0.0.1');
    let greeted = false;
    let asked = false;
    site.on('data', (data) => {
      asked = greeted;
      upstream.write(data);
    });
    upstream.on('data', (data) => {
      greeted = true;
      // What comes before is the handshake.
      if (state.loses && asked) state.lost += data.length;
      else site.write(data);
    });
    site.on('error', () => site.destroy()).on('close', () => upstream.destroy());
    // A wire that loses the answer loses the end of the connection too: the site goes on waiting.
    upstream.on('error', () => upstream.destroy()).on('close', () => state.loses || site.destroy());
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = `https://localhost:${(server.address() as AddressInfo).port}`;
  return { address, state, close: () => void server.close() };
}
