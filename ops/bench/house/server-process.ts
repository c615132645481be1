import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { type AddressInfo, createServer } from 'node:net';
import { join } from 'node:path';
import { isReady, readyAddress } from './is-ready.ts';

const START = join(import.meta.dirname, '../../../server/start.js');
/** Far above what the load of a drill reaches: it is not the limits that are on trial. */
const UNLIMITED = ['organization', 'token', 'site', 'address'].flatMap((of) => [
  `--access.limits.${of}PerSecond`,
  '100000',
]);

export type Ports = { readonly public: number; readonly plain: number; readonly operations: number };

export type ServerOptions = {
  /** Of the data: its signer, its first owner's token. */
  readonly folder: string;
  readonly databaseUrl: string;
  /** The same after every start, because certificates name them. */
  readonly ports: Ports;
  /** Of a signer that runs by itself; without it the server starts its own. */
  readonly signerSocket?: string;
  readonly flags?: readonly string[];
  /** Its clock may be another than ours. */
  readonly anyClock?: boolean;
  readonly env?: Readonly<Record<string, string>>;
};

/** The server as an operator starts it, with its signer: a process that can be hurt. */
export class ServerProcess {
  readonly options: ServerOptions;
  readonly #child: ChildProcess;
  /** The exit code; null after a signal. */
  readonly ended: Promise<number | null>;
  readonly #began = performance.now();
  #output = '';
  #isOver = false;

  constructor(options: ServerOptions) {
    this.options = options;
    const { folder, databaseUrl, ports, signerSocket, flags = [], env = {} } = options;
    const own = ['--http.port', ports.public, '--http.plain.port', ports.plain, '--operations.port', ports.operations];
    const all = [...own.map(String), '--data.folder', folder, '--authority.evaluation', 'on', ...UNLIMITED, ...flags];
    if (signerSocket !== undefined) all.push('--signer.socket', signerSocket);
    this.#child = spawn(process.execPath, [START, ...all], {
      env: { PATH: process.env['PATH'] ?? '', DATABASE_URL: databaseUrl, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.ended = once(this.#child, 'exit').then(([code]) => code as number | null);
    void this.ended.then(() => (this.#isOver = true));
    for (const stream of [this.#child.stdout, this.#child.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.#output += text));
    }
  }

  static async start(options: ServerOptions): Promise<ServerProcess> {
    const server = new ServerProcess(options);
    await server.ready();
    return server;
  }

  /** Milliseconds from the start of the process until it answers that it is ready, and has said so. */
  async ready(): Promise<number> {
    const address = readyAddress(this.options.ports);
    while (!this.#output.includes('"message":"ready"') || !(await isReady(address))) {
      if (this.#isOver) throw new Error(`The server ended instead of being ready: ${this.#output.slice(-2000)}`);
      await pause(10);
    }
    return performance.now() - this.#began;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get pid(): number {
    return this.#child.pid!;
  }

  /** Everything that it has said so far. */
  get output(): string {
    return this.#output;
  }

  /** Of its signer; undefined while there is none. */
  get signerPid(): number | undefined {
    const text = readFileSync(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8');
    return text.split(' ').filter(Boolean).map(Number)[0];
  }

  async metrics(): Promise<string> {
    return (await fetch(`http://127.0.0.1:${this.options.ports.operations}/metrics`)).text();
  }

  async end(signal: 'SIGKILL' | 'SIGTERM' = 'SIGKILL'): Promise<number | null> {
    this.#child.kill(signal);
    return this.ended;
  }
}

export async function freePorts(): Promise<Ports> {
  const servers = await Promise.all(
    Array.from({ length: 3 }, async () => {
      const server = createServer().listen(0, '127.0.0.1');
      await once(server, 'listening');
      return server;
    }),
  );
  const [first = 0, plain = 0, operations = 0] = servers.map((server) => (server.address() as AddressInfo).port);
  await Promise.all(
    servers.map(async (server) => {
      server.close();
      await once(server, 'close');
    }),
  );
  return { public: first, plain, operations };
}

export const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
