import { type OutgoingHttpHeaders, request as httpRequest } from 'node:http';
import { request as httpsRequest, type RequestOptions } from 'node:https';
import { isIP, type Socket } from 'node:net';
import * as tls from 'node:tls';
import { AgentError } from './errors.ts';

export type Identity = { readonly key: string; readonly certificates: string };

/** `'nobody yet'` accepts any server: only for an answer that is checked against a fingerprint. */
export type Trust = { readonly root: string; readonly isPublic: boolean } | 'nobody yet';

/** Whom the settings say to trust with a connection. What comes over it has proofs of its own. */
export const trustOf = ({ publicTls = false }: { readonly publicTls?: boolean }, root: string): Trust => ({
  root,
  isPublic: publicTls,
});

export type HttpCall = {
  readonly method: 'GET' | 'POST';
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
  readonly trust: Trust;
  readonly identity?: Identity | undefined;
  readonly proxy?: string | undefined;
  /** Ends it before its time. */
  readonly signal?: AbortSignal | undefined;
};

export type HttpAnswer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Buffer;
};

/** For the whole exchange: a server that dribbles is a server that is down. */
const DEADLINE_MS = 30_000;
/** The largest answer is a CRL shard. */
const MOST_BYTES = 64 * 1024 * 1024;

/** One request with one answer. Rejects with UNAVAILABLE when there is none. */
export async function call(options: HttpCall, deadlineMs = DEADLINE_MS): Promise<HttpAnswer> {
  const timeout = AbortSignal.timeout(deadlineMs);
  const signal = options.signal === undefined ? timeout : AbortSignal.any([timeout, options.signal]);
  try {
    const url = new URL(options.url);
    const proxy = options.proxy === undefined ? undefined : new URL(options.proxy);
    const needsTunnel = proxy !== undefined && url.protocol === 'https:';
    const tunnel = needsTunnel ? await openTunnel(url, proxy, signal) : undefined;
    return await exchange(url, options, { proxy: needsTunnel ? undefined : proxy, tunnel, signal });
  } catch (error) {
    if (error instanceof AgentError) throw error;
    const late = timeout.aborted ? `no answer within ${deadlineMs / 1000} s` : undefined;
    const stopped = options.signal?.aborted === true ? 'the agent is being stopped' : undefined;
    throw away(new URL(options.url).origin, stopped ?? late, error);
  }
}

/** Of those who did not answer at all: the next server may be the right one. */
export const isAway = (error: unknown): error is AgentError =>
  error instanceof AgentError && (error.code === 'UNAVAILABLE' || error.code === 'ROOT_MISMATCH');

/** What OpenSSL calls a chain that does not end at a root that we know (`openssl verify`, diagnostics). */
const OTHER_ROOT: ReadonlySet<string> = new Set([
  'CERT_SIGNATURE_FAILURE',
  'CERT_UNTRUSTED',
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'SELF_SIGNED_CERT_IN_CHAIN',
  'UNABLE_TO_GET_ISSUER_CERT',
  'UNABLE_TO_GET_ISSUER_CERT_LOCALLY',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
]);
const OF_THE_CLOCK: Readonly<Record<string, string>> = {
  CERT_HAS_EXPIRED: 'is over',
  CERT_NOT_YET_VALID: 'has not begun',
};

function away(origin: string, late: string | undefined, cause: unknown): AgentError {
  const { code = '', message } = cause as NodeJS.ErrnoException;
  if (OTHER_ROOT.has(code)) {
    const said = `${origin} shows a certificate that is not below the root of this site: check the address, and who stands between; nothing was sent.`;
    return new AgentError('ROOT_MISMATCH', said, { cause });
  }
  const over = OF_THE_CLOCK[code];
  const reason =
    over !== undefined
      ? `its certificate ${over} by the clock of this machine, which must be right`
      : code === 'ERR_TLS_CERT_ALTNAME_INVALID'
        ? 'its certificate is for another name'
        : (late ?? message);
  return new AgentError('UNAVAILABLE', `${origin} cannot be reached: ${reason}.`, { cause });
}

/** Through a tunnel of a proxy, or handed to a proxy, or neither. */
type Way = { readonly proxy: URL | undefined; readonly tunnel: Socket | undefined; readonly signal: AbortSignal };

function exchange(url: URL, options: HttpCall, { proxy, tunnel, signal }: Way): Promise<HttpAnswer> {
  const { method, headers: asked = {}, body } = options;
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  const headers = { ...asked, ...length, Connection: 'close' };
  return new Promise((resolve, reject) => {
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { method, headers, signal, ...tlsOptions(options), ...through(tunnel, url, options) })
        : httpRequest(url, { method, headers, signal, ...(proxy && forwarded(url, proxy, headers)) });
    request.once('error', (error) => reject(proxy === undefined ? error : noProxy(proxy, error)));
    request.once('response', (response) => {
      if (response.statusCode === 407 && proxy !== undefined) request.destroy(refusedBy(proxy, 407));
      const chunks: Buffer[] = [];
      let size = 0;
      response.on('data', (chunk: Buffer) => {
        size += chunk.length;
        if (size > MOST_BYTES) response.destroy(new Error(`the answer is longer than ${MOST_BYTES} bytes`));
        else chunks.push(chunk);
      });
      response.once('error', reject);
      response.once('end', () => {
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) });
      });
    });
    request.end(body);
  });
}

function tlsOptions({ trust, identity }: HttpCall) {
  const trusted = trust === 'nobody yet' ? { rejectUnauthorized: false } : { ca: authoritiesOf(trust) };
  const known = identity && { key: identity.key, cert: identity.certificates };
  return { ...trusted, ...known, minVersion: 'TLSv1.2' } as const;
}

const authoritiesOf = ({ root, isPublic }: Exclude<Trust, string>): string[] =>
  isPublic ? [root, ...tls.getCACertificates()] : [root];

/** Named no agent, Node asks nobody else for the connection; with `agent: false` it makes one, which opens its own. */
const through = (tunnel: Socket | undefined, url: URL, options: HttpCall): RequestOptions =>
  tunnel === undefined ? {} : { createConnection: () => wrap(tunnel, url, options) };

function wrap(tunnel: Socket, url: URL, options: HttpCall): Socket {
  const host = hostOf(url);
  // RFC 6066 §3: the name of a server is no address; that is held against its certificate all the same.
  return tls.connect({ socket: tunnel, host, ...(isIP(host) === 0 && { servername: host }), ...tlsOptions(options) });
}

/** Without the brackets that an address of version 6 has in a URL. */
const hostOf = ({ hostname }: URL): string => hostname.replace(/^\[|\]$/g, '');

/** RFC 9112 §3.2.2: what is not encrypted is handed to the proxy as it is; many tunnel to the port of https alone. */
const forwarded = (url: URL, proxy: URL, headers: OutgoingHttpHeaders): RequestOptions => ({
  hostname: hostOf(proxy),
  port: proxy.port || 80,
  path: url.href,
  headers: { ...headers, Host: url.host, ...credentialsFor(proxy) },
});

function credentialsFor({ username, password }: URL): OutgoingHttpHeaders {
  if (username === '') return {};
  const both = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`);
  return { 'Proxy-Authorization': `Basic ${both.toString('base64')}` };
}

/** HTTP CONNECT (RFC 9110 §9.3.6): the proxy sees where to, and nothing else. */
function openTunnel(url: URL, proxy: URL, signal: AbortSignal): Promise<Socket> {
  const path = `${url.hostname}:${url.port || 443}`;
  const to = { hostname: hostOf(proxy), port: proxy.port || 80, method: 'CONNECT', path };
  return new Promise((resolve, reject) => {
    const request = httpRequest({ ...to, headers: { Host: path, ...credentialsFor(proxy) }, signal });
    request.once('error', (error) => reject(noProxy(proxy, error)));
    // Whatever the status is: the answer to CONNECT is no `response` to Node.
    request.once('connect', ({ statusCode }, socket) => {
      // A tunnel that breaks off ends what goes through it; of its own error nobody would hear, and that ends a process.
      if (statusCode === 200) return resolve(socket.on('error', () => undefined));
      // A proxy may keep open what it has refused, and that would keep this process.
      socket.destroy();
      reject(refusedBy(proxy, statusCode));
    });
    request.end();
  });
}

const noProxy = (proxy: URL, error: Error): Error =>
  error instanceof ProxyError ? error : new ProxyError(proxy, `cannot be reached (${error.message})`);

const refusedBy = (proxy: URL, status: number | undefined): Error =>
  status === 407
    ? new ProxyError(proxy, 'wants a user and a password, or others: see "proxy" in agent.json')
    : new ProxyError(proxy, `answered ${status} to CONNECT`);

class ProxyError extends Error {
  constructor({ hostname, port }: URL, why: string) {
    super(`the proxy ${hostname}:${port || 80} ${why}`);
  }
}
