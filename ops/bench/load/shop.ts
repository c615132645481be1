import { readFileSync } from 'node:fs';
import { Client } from 'pg';
import { House } from '../house/house.ts';
import { makeSiteKey } from '../house/site-key.ts';
import { Load } from './load.ts';
import { apiRequest, csrPem, textOf } from './requests.ts';

/** A connection of each site is held open until its turn to renew comes. */
const PATIENT = ['--http.timeouts.keepAliveSeconds', '600', '--http.limits.connections', '20000'];

export type Cpu = Readonly<Record<'server' | 'signer' | 'PostgreSQL', number>>;

/** The server as it is started in production, on a PostgreSQL with fsync, and the process that makes its load. */
export class Shop {
  readonly house: House;
  readonly load: Load;
  readonly #client: Client;

  private constructor(house: House, client: Client) {
    this.house = house;
    this.load = new Load(house.options.ports.public);
    this.#client = client;
  }

  static async open(): Promise<Shop> {
    const house = await House.open(() => ({ flags: PATIENT }));
    const client = new Client({ connectionString: house.databaseUrl });
    await client.connect();
    return new Shop(house, client);
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

  /** Seconds that each has used so far. */
  cpu(): Cpu {
    const { server, cluster } = this.house;
    return {
      server: cpuOf(server.pid),
      signer: cpuOf(server.signerPid!),
      PostgreSQL: [cluster.pid, ...childrenOf(cluster.pid)].reduce((sum, pid) => sum + cpuOf(pid), 0),
    };
  }

  /** Of the server's process, in megabytes. */
  memory(): number {
    const status = readFileSync(`/proc/${this.house.server.pid}/status`, 'utf8');
    return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]) / 1024;
  }

  async close(): Promise<void> {
    await this.load.close();
    await this.#client.end();
    await this.house.close();
  }
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
