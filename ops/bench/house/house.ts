import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { Agent } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { administer, type Cluster, startCluster } from '@licet/server/test-cluster';
import { randomUUID } from 'node:crypto';
import { encodePem } from '@licet/format';
import { type Answer, ask, type Question } from './ask.ts';
import { checkBooks, type Findings } from './books.ts';
import { Crowd } from './crowd.ts';
import { makeSiteKey } from './site-key.ts';
import { freePorts, type ServerOptions, ServerProcess } from './server-process.ts';

/** As Debian's package sets it up, where that matters for what is durable and how long it takes. */
export const DURABLE = ['fsync=on', 'full_page_writes=on', 'autovacuum=on', 'shared_buffers=128MB'];

/** What is other in the way that the server is started. */
type Change = (options: ServerOptions, cluster: Cluster) => Partial<ServerOptions> | Promise<Partial<ServerOptions>>;

/** Where PostgreSQL lies, and its settings. */
type Place = { readonly folder?: string; readonly settings?: readonly string[] };

/** A server of production's kind with a database of its own, its first owner let in, and a contract to license under. */
export class House {
  readonly folder: string;
  readonly cluster: Cluster;
  readonly options: ServerOptions;
  server: ServerProcess;
  /** The anchor of its TLS, PEM. */
  readonly ca: string;
  /** Whom `ask` asks as: at first the first owner. */
  token: string;
  readonly contract: string;

  private constructor(
    cluster: Cluster,
    server: ServerProcess,
    access: { ca: string; token: string; contract: string },
  ) {
    this.cluster = cluster;
    this.options = server.options;
    this.folder = server.options.folder;
    this.server = server;
    this.ca = access.ca;
    this.token = access.token;
    this.contract = access.contract;
  }

  static async open(change?: Change, postgresql: Place = {}): Promise<House> {
    const { folder: where = mkdtempSync(join(tmpdir(), 'licet-drill-pg-')), settings = [] } = postgresql;
    const cluster = await startCluster(where, { settings: [...DURABLE, ...settings] });
    await administer(cluster, 'create database licet');
    const folder = mkdtempSync(join(tmpdir(), 'licet-drill-'));
    const plain = { folder, databaseUrl: cluster.url('licet'), ports: await freePorts() };
    const options = { ...plain, ...(await change?.(plain, cluster)) };
    const server = await ServerProcess.start(options);
    const token = readFileSync(join(options.folder, 'owner.token'), 'utf8').trim();
    const ca = await (await fetch(`http://127.0.0.1:${options.ports.plain}/ca/roots.pem`)).text();
    return new House(cluster, server, { ca, token, contract: await contractOf(options, ca, token) });
  }

  get databaseUrl(): string {
    return this.cluster.url('licet');
  }

  /** One request of the first owner's, on a connection of its own. */
  ask({ headers, ...question }: Question): Promise<Answer> {
    const all = { ...headers, Authorization: `Bearer ${this.token}`, 'Content-Type': 'application/json' };
    const { ports, anyClock = false } = this.options;
    const way = { port: ports.public, agent: new Agent(), ca: this.ca, anyClock };
    return ask(way, { ...question, headers: all });
  }

  /** Asks once for a new site with its license. */
  makeSite(): Promise<Answer> {
    const csr = encodePem('CERTIFICATE REQUEST', makeSiteKey().csr);
    const name = `site-${randomUUID().slice(0, 13)}`;
    const body = JSON.stringify({ contract: this.contract, name, mode: 'development', csr });
    return this.ask({ method: 'POST', path: '/api/v1/sites/create', body });
  }

  crowd(clients: number, ports: readonly number[] = [this.options.ports.public]): Crowd {
    const { ca, token, contract } = this;
    return new Crowd({ ports, ca, token, contract, clients });
  }

  /** Starts the server again; returns how long it took. */
  async restart(change: Partial<ServerOptions> = {}): Promise<number> {
    this.server = new ServerProcess({ ...this.options, ...change });
    return this.server.ready();
  }

  /** As `restart`, for a server that is not expected to live. */
  startOnly(change: Partial<ServerOptions>): void {
    this.server = new ServerProcess({ ...this.options, ...change });
  }

  checkBooks(crowd: Crowd): Promise<Findings> {
    const { signerSocket = join(this.folder, 'signer/signer.sock') } = this.options;
    return checkBooks(this.databaseUrl, signerSocket, crowd);
  }

  async close(): Promise<void> {
    await this.server.end('SIGTERM');
    rmSync(this.folder, { recursive: true, force: true });
  }
}

async function contractOf({ ports, anyClock = false }: ServerOptions, ca: string, token: string): Promise<string> {
  const agent = new Agent();
  const headers = { Authorization: `Bearer ${token}` };
  const { body } = await ask(
    { port: ports.public, agent, ca, anyClock },
    { method: 'GET', path: '/api/v1/contracts', headers },
  );
  const { items } = JSON.parse(body.toString('utf8')) as { items: { id: string }[] };
  return items[0]!.id;
}
