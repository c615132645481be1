import { randomBytes } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client } from 'pg';
import { House } from '../house/house.ts';
import { OwnSigner } from '../house/own-signer.ts';
import { freePorts, ServerProcess } from '../house/server-process.ts';
import { makeSiteKey } from '../house/site-key.ts';
import { Load } from './load.ts';
import { apiRequest, csrPem, textOf } from './requests.ts';

/** A connection of each site is held open until its turn to renew comes, before its first request too. */
const PATIENT =
  '--http.timeouts.keepAliveSeconds 600 --http.timeouts.headersSeconds 120 --http.limits.connections 20000'.split(' ');

export type Cpu = Readonly<Record<'server' | 'signer' | 'PostgreSQL', number>>;

/**
 * Servers as they are started in production, behind one port, on a PostgreSQL with fsync and with a signer that stands by
 * itself, and the process that makes their load.
 */
export class Shop {
  readonly house: House;
  readonly load: Load;
  readonly #signer: OwnSigner;
  readonly #more: readonly ServerProcess[];
  readonly #client: Client;

  private constructor(house: House, signer: OwnSigner, more: readonly ServerProcess[], client: Client) {
    this.house = house;
    this.load = new Load(house.options.ports.public);
    this.#signer = signer;
    this.#more = more;
    this.#client = client;
  }

  static async open({ servers = 1 } = {}): Promise<Shop> {
    const signer = await OwnSigner.start();
    try {
      const env = { LICET_ACCESS_SEALING_KEY: randomBytes(32).toString('hex') };
      const flags = [...PATIENT, '--http.sharePort', 'true'];
      const house = await House.open(() => ({ signerSocket: signer.socket, env, flags }));
      const more: ServerProcess[] = [];
      while (more.length < servers - 1) more.push(await startBeside(house));
      const client = new Client({ connectionString: house.databaseUrl });
      await client.connect();
      return new Shop(house, signer, more, client);
    } catch (error) {
      await signer.close();
      throw error;
    }
  }

  /** Past the roles of the application: to fill tables, and to look. */
  async sql<Row extends object>(text: string, values: readonly unknown[] = []): Promise<Row[]> {
    return (await this.#client.query<Row>(text, [...values])).rows;
  }

  /** Of the contract that an evaluation comes with, whose development sites are not counted. */
  async firstLicense(name: string): Promise<string> {
    const body = { contract: this.house.contract, name, mode: 'development', csr: csrPem(makeSiteKey()) };
    await this.load.open([{}]);
    const { answers } = await this.load.send([apiRequest(this.house.token, '/api/v1/sites/create', body)], 1);
    return (JSON.parse(textOf(answers[0]!)) as { license: { pem: string } }).license.pem;
  }

  /** Seconds that each kind has used so far. */
  cpu(): Cpu {
    const { server, cluster } = this.house;
    const all = (pids: readonly number[]): number => pids.reduce((sum, pid) => sum + cpuOf(pid), 0);
    return {
      server: all([server, ...this.#more].map(({ pid }) => pid)),
      signer: cpuOf(this.#signer.pid),
      PostgreSQL: all([cluster.pid, ...childrenOf(cluster.pid)]),
    };
  }

  /** Of the first server's process, in megabytes. */
  memory(): number {
    const status = readFileSync(`/proc/${this.house.server.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  async close(): Promise<void> {
    await this.load.close();
    await this.#client.end();
    for (const server of this.#more) {
      await server.end('SIGTERM');
      rmSync(server.options.folder, { recursive: true, force: true });
    }
    await this.house.close();
    await this.#signer.close();
  }
}

/** One more, with a folder and operations of its own. */
async function startBeside({ options }: House): Promise<ServerProcess> {
  const folder = mkdtempSync(join(tmpdir(), 'licet-bench-beside-'));
  const { operations } = await freePorts();
  return ServerProcess.start({ ...options, folder, ports: { ...options.ports, operations } });
}

function childrenOf(pid: number): number[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
}

/** With the children that it has waited for: workers of PostgreSQL come and go. */
function cpuOf(pid: number): number {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) / 100;
}
