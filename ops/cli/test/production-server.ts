import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { request } from 'node:https';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import type { Certificate } from '@licet/format';

const START = join(import.meta.dirname, '../../../server/start.js');
const FREE_PORTS = ['--http.port', '0', '--http.plain.port', '0', '--operations.port', '0'];

export type Answered = { readonly status: number; readonly body: Buffer };

/** The server as it is started in production: a process with a configuration file. */
export class ProductionServer {
  readonly #child: ChildProcess;
  readonly #root: string;
  readonly port: number;

  private constructor(child: ChildProcess, root: string, port: number) {
    this.#child = child;
    this.#root = root;
    this.port = port;
  }

  /** `root`, PEM, is all that the client trusts. */
  static async start(configuration: string, root: string): Promise<ProductionServer> {
    const child = spawn(process.execPath, [START, '--config', configuration, ...FREE_PORTS], {
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
    return new ProductionServer(child, root, Number(new URL(address).port));
  }

  get url(): string {
    return `https://localhost:${this.port}`;
  }

  ask(method: string, path: string, headers: Record<string, string> = {}, body?: unknown): Promise<Answered> {
    return new Promise((resolve, reject) => {
      const more = body === undefined ? {} : { 'Content-Type': 'application/json' };
      const options = { method, ca: this.#root, headers: { ...headers, ...more }, agent: false };
      const asked = request(`${this.url}${path}`, options, (response) => {
        const parts: Buffer[] = [];
        response.on('data', (part: Buffer) => parts.push(part));
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body: Buffer.concat(parts) }));
      });
      asked.once('error', reject).end(body === undefined ? undefined : JSON.stringify(body));
    });
  }

  /** PEM. Those of a CA that was made this moment are on their way. */
  async crlAt(address: string): Promise<string> {
    for (let tries = 0; tries < 100; tries++) {
      const { status, body } = await this.ask('GET', new URL(address).pathname.replace(/crl$/, 'pem'));
      if (status === 200) return body.toString();
      await pause(100);
    }
    throw new Error(`not within ten seconds: ${address}`);
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

/** A product, an enterprise and its contract, and the token by which its first site enrols. */
export async function sell(server: ProductionServer, owner: string): Promise<{ contract: string; token: string }> {
  const ok = async (method: string, path: string, body?: unknown): Promise<Record<string, unknown>> => {
    const headers = { Authorization: `Bearer ${owner}`, ...(method === 'POST' && { 'If-Match': '*' }) };
    const answer = await server.ask(method, `/api/v1/${path}`, headers, body);
    assert.ok(answer.status < 300, `${method} ${path}: ${answer.status} ${answer.body.toString()}`);
    return JSON.parse(answer.body.toString()) as Record<string, unknown>;
  };
  const catalog = {
    features: [{ code: 'remote', name: 'Remote control' }],
    limits: [{ code: 'machines', name: 'Machines', unit: 'machines' }],
    tiers: [{ rank: 20, code: 'gold', name: 'Gold' }],
  };
  await ok('POST', 'products', { code: 'press', name: 'Press', catalog });
  const enterprise = await ok('POST', 'enterprises', { slug: 'globex', name: 'Globex' });
  const year = new Date().getUTCFullYear();
  const term = { firstDay: `${year}-01-01`, lastDay: `${year + 1}-12-31`, timeZone: 'UTC' };
  const made = await ok('POST', 'contracts', { enterprise: enterprise['id'], number: 'C-1', terms: TERMS, term });
  const contract = String(made['id']);
  await ok('POST', `contracts/${contract}/activate`);
  const { enrolment } = await ok('POST', 'sites/create', { contract, name: 'plant-1', mode: 'production' });
  return { contract, token: (enrolment as { token: string }).token };
}

export function crlAddressOf({ extensions }: Certificate): string {
  const [first] = extensions.crlDistributionPoints ?? [];
  assert.ok(first?.point?.kind === 'full');
  const [name] = first.point.names;
  assert.ok(name?.kind === 'uri');
  return name.value;
}
