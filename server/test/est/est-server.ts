import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLog } from '../../log/log.ts';
import { serve, type Served, type ServeOptions } from '../frame/served.ts';
import { type EstDeps, estRoutes } from '../../http/est/routes.ts';
import { Office } from './office.ts';

export type EstServer = Served & {
  readonly office: Office;
  /** `https://localhost:port`, a name that stands in the server's certificate. */
  readonly base: string;
  readonly folder: string;
  at(name: string): string;
};

export type Frame = Pick<ServeOptions, 'admission' | 'trustProxy' | 'clientCertificateHeader'> & {
  /** Plain HTTP, behind a proxy that ends TLS with `server.pem` and `server.key`. */
  readonly isBehindProxy?: boolean;
};

/** The real routes in the real frame over TLS, before the real authority. */
export async function estServer(
  settings: Partial<EstDeps['settings']> = {},
  rights: Parameters<Office['open']>[0] = {},
  { isBehindProxy = false, ...frame }: Frame = {},
): Promise<EstServer> {
  const office = new Office();
  await office.open(rights);
  const { cert, key, root } = await office.serverCertificate();
  const folder = mkdtempSync(join(tmpdir(), 'licet-est-'));
  const at = (name: string) => join(folder, name);
  for (const [name, pem] of Object.entries({ 'root.pem': root, 'server.pem': cert, 'server.key': key })) {
    writeFileSync(at(name), pem);
  }
  const log = createLog({ level: 'error', format: 'json', clock: office.workshop.clock, write: () => {}, secrets: [] });
  const routes = estRoutes({
    enrolment: office,
    present: office.present,
    presentByProof: office.presentByProof,
    principalOf: () => Promise.resolve(undefined),
    settings: { requireChannelBinding: false, serverKeyGeneration: false, ...settings },
    limits: [],
    limit: async (principal) => office.limiter?.principal(principal),
    random: { bytes: (length) => randomBytes(length) },
    log,
  });
  const tls = { options: { cert, key }, requestClientCertificate: true };
  const served = await serve({ routes, ...(!isBehindProxy && { tls }), ...frame });
  const close = async () => {
    await served.close();
    rmSync(folder, { recursive: true, force: true });
  };
  return { ...served, office, folder, at, base: `https://localhost:${served.port}`, close };
}

export type Ran = { readonly code: number; readonly out: string; readonly err: string };

/** A tool, while the server goes on answering. */
export function run(
  program: string,
  args: readonly string[],
  { input, env }: { input?: string | Buffer; env?: NodeJS.ProcessEnv } = {},
): Promise<Ran> {
  return new Promise((resolve) => {
    const options = { encoding: 'utf8', timeout: 20_000, env: { ...process.env, ...env } } as const;
    const child = execFile(program, args, options, (error, out, err) =>
      resolve({ code: error === null ? 0 : typeof error.code === 'number' ? error.code : -1, out, err }),
    );
    child.stdin?.on('error', () => {}); // who refuses early does not read to the end
    child.stdin?.end(input);
  });
}
