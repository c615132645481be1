import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request as plainRequest } from 'node:http';
import { request as secureRequest } from 'node:https';
import { join } from 'node:path';
import type { Certificate } from '@licet/format';

const START = join(import.meta.dirname, '../../../server/start.js');
const FREE_PORTS = ['--http.port', '0', '--http.plain.port', '0', '--operations.port', '0'];

export type Answered = { readonly status: number; readonly body: Buffer };

/** The server as it is started in production: a process with a configuration file. */
export class ProductionServer {
  readonly #child: ChildProcess;
  readonly #root: string;
  readonly url: string;

  private constructor(child: ChildProcess, root: string, url: string) {
    this.#child = child;
    this.#root = root;
    this.url = url;
  }

  /** `root`, PEM, is all that the client trusts, where there is TLS. Without `database`, a URL, it is the embedded one. */
  static async start(configuration: string, root: string, database?: string): Promise<ProductionServer> {
    const place = database === undefined ? [] : ['--database.url', database];
    const child = spawn(process.execPath, [START, '--config', configuration, ...FREE_PORTS, ...place], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { PATH: process.env['PATH'] },
    });
    let told = '';
    child.stderr.on('data', (data) => (told += String(data)));
    const address = await new Promise<string>((resolve, reject) => {
      child.stdout.on('data', (data) => {
        told += String(data);
        const line = told.split('\n').find((one) => one.includes('"message":"ready"') && one.endsWith('}'));
        if (line !== undefined) resolve((JSON.parse(line) as { address: string }).address);
      });
      child.once('close', (code) => reject(new Error(`ended with ${code}: ${told}`)));
    });
    const { protocol, port } = new URL(address);
    return new ProductionServer(child, root, `${protocol}//localhost:${port}`);
  }

  ask(method: string, path: string, headers: Record<string, string> = {}, body?: unknown): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const more = body === undefined ? {} : { 'Content-Type': 'application/json' };
      const options = { method, ca: this.#root, headers: { ...headers, ...more }, agent: false };
      const request = this.url.startsWith('https:') ? secureRequest : plainRequest;
      const asked = request(`${this.url}${path}`, options, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }));
      });
      asked.once('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** PEM. */
  async crlAt(address: string): Promise<string> {
    const { status, body } = await this.ask('GET', new URL(address).pathname.replace(/crl$/, 'pem'));
    assert.equal(status, 200, address);
    return body.toString();
  }

  async stop(): Promise<number | null> {
    const ended = once(this.#child, 'close') as Promise<[number | null]>;
    this.#child.kill('SIGTERM');
    return (await ended)[0];
  }
}

const TERMS = {
  tier: { rank: 20, code: 'gold' },
  features: ['press', 'press/remote'],
  limits: [{ code: 'machines', max: 10, scope: 'each', enforce: 'report' }],
  siteCaps: { production: 1 },
  modeChanges: true,
  graceSeconds: 86_400,
  contactSeconds: 86_400,
  degrade: 'warn',
  bindingNeed: 0,
};

type Sold = {
  readonly enterprise: string;
  readonly contract: string;
  /** The token by which its first site enrols. */
  readonly token: string;
};

/** A product and an enterprise, which may be there already, its contract, and a first site. */
export async function sell(server: ProductionServer, owner: string): Promise<Sold> {
  const ok = (path: string, body?: unknown) => post(server, owner, path, body);
  const made = async (path: string, name: 'slug' | 'code', body: Record<string, unknown>): Promise<string> => {
    const headers = { Authorization: `Bearer ${owner}` };
    const { body: listed } = await server.ask('GET', `/api/v1/${path}`, headers);
    const { items } = JSON.parse(listed.toString()) as { items: Record<string, unknown>[] };
    return String((items.find((one) => one[name] === body[name]) ?? (await ok(path, body)))['id']);
  };
  const catalog = {
    features: [{ code: 'remote', name: 'Remote control' }],
    limits: [{ code: 'machines', name: 'Machines', unit: 'machines' }],
    tiers: [{ rank: 20, code: 'gold', name: 'Gold' }],
  };
  await made('products', 'code', { code: 'press', name: 'Press', catalog });
  const enterprise = await made('enterprises', 'slug', { slug: 'globex', name: 'Globex' });
  const contract = await agree(server, owner, enterprise, 'C-1');
  const { enrolment } = await ok('sites/create', { contract, name: 'plant-1', mode: 'production' });
  return { enterprise, contract, token: (enrolment as { token: string }).token };
}

/** An active contract. */
export async function agree(
  server: ProductionServer,
  owner: string,
  enterprise: string,
  number: string,
  more = {},
): Promise<string> {
  const year = new Date().getUTCFullYear();
  const term = { firstDay: `${year}-01-01`, lastDay: `${year + 1}-12-31`, timeZone: 'UTC' };
  const terms = { ...TERMS, ...more };
  const contract = String((await post(server, owner, 'contracts', { enterprise, number, terms, term }))['id']);
  await post(server, owner, `contracts/${contract}/activate`);
  return contract;
}

export async function post(
  server: ProductionServer,
  owner: string,
  path: string,
  body?: unknown,
): Promise<Record<string, unknown>> {
  const headers = { Authorization: `Bearer ${owner}`, 'If-Match': '*' };
  const answer = await server.ask('POST', `/api/v1/${path}`, headers, body);
  assert.ok(answer.status < 300, `POST ${path}: ${answer.status} ${answer.body.toString()}`);
  return JSON.parse(answer.body.toString()) as Record<string, unknown>;
}

export function crlAddressOf({ extensions }: Certificate): string {
  const [first] = extensions.crlDistributionPoints ?? [];
  assert.ok(first?.point?.kind === 'full');
  const [name] = first.point.names;
  assert.ok(name?.kind === 'uri');
  return name.value;
}
