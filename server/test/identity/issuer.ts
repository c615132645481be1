import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import type { RequestListener } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { exportJWK, generateKeyPair, type JWK, type CryptoKey } from 'jose';

export type TlsFiles = { readonly cert: string; readonly key: string };

/** A certificate for localhost that vouches for itself. */
export function localCertificate(): TlsFiles {
  const folder = mkdtempSync(join(tmpdir(), 'licet-issuer-'));
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const subject = ['-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost'];
  const algorithm = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];
  const made = spawnSync('openssl', [
    'req',
    '-x509',
    ...algorithm,
    '-days',
    '2',
    ...subject,
    '-keyout',
    key,
    '-out',
    cert,
  ]);
  if (made.status !== 0) throw new Error(String(made.stderr));
  const files = { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8') };
  rmSync(folder, { recursive: true });
  return files;
}

export type Listening = { readonly url: string; close(): Promise<void> };

export async function listenTls(files: TlsFiles, handler: RequestListener): Promise<Listening> {
  const server = createServer(files, handler);
  await new Promise<void>((resolve) => server.listen(0, 'localhost', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `https://localhost:${port}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

export type Key = { readonly privateKey: CryptoKey; readonly jwk: JWK };

export async function newKey(kid: string, algorithm = 'ES256'): Promise<Key> {
  const { privateKey, publicKey } = await generateKeyPair(algorithm, { extractable: true });
  return { privateKey, jwk: { ...(await exportJWK(publicKey)), kid, alg: algorithm, use: 'sig' } };
}

/** An issuer that does what a test tells it. */
export class HostileIssuer {
  keys: JWK[] = [];
  /** Instead of the keys. */
  jwks: RequestListener | undefined;
  discovery: (document: Record<string, unknown>) => unknown = (document) => document;
  readonly asked: string[] = [];
  readonly #listening: Listening;

  private constructor(listening: Listening) {
    this.#listening = listening;
  }

  static async open(files: TlsFiles): Promise<HostileIssuer> {
    const held: { issuer?: HostileIssuer } = {};
    const listening = await listenTls(files, (request, response) => held.issuer?.answer(request, response));
    return (held.issuer = new HostileIssuer(listening));
  }

  get url(): string {
    return this.#listening.url;
  }

  answer(...[request, response]: Parameters<RequestListener>): void {
    this.asked.push(request.url ?? '');
    if (request.url === '/.well-known/openid-configuration') {
      response.end(JSON.stringify(this.discovery({ issuer: this.url, jwks_uri: `${this.url}/jwks` })));
    } else if (this.jwks !== undefined) this.jwks(request, response);
    else response.end(JSON.stringify({ keys: this.keys }));
  }

  close(): Promise<void> {
    return this.#listening.close();
  }
}
