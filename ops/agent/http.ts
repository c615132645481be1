import { request as httpRequest } from 'node:http';
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
  const signal = AbortSignal.timeout(deadlineMs);
  try {
    const url = new URL(options.url);
    const tunnel = options.proxy === undefined ? undefined : await openTunnel(url, options.proxy, signal);
    return await exchange(url, options, tunnel, signal);
  } catch (error) {
    if (error instanceof AgentError) throw error;
    throw away(
      new URL(options.url).origin,
      signal.aborted ? `no answer within ${deadlineMs / 1000} s` : undefined,
      error,
    );
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

function exchange(url: URL, options: HttpCall, tunnel: Socket | undefined, signal: AbortSignal): Promise<HttpAnswer> {
  const { method, headers = {}, body } = options;
  const length = body === undefined ? {} : { 'Content-Length': String(Buffer.byteLength(body)) };
  // Node asks an agent for its connection before it looks at createConnection: a tunnel goes without one.
  const agent = tunnel === undefined ? { agent: false } : {};
  const common = { method, headers: { ...headers, ...length, Connection: 'close' }, signal, ...agent } as const;
  const secure: RequestOptions = {
    ...tlsOptions(options),
    ...(tunnel && { createConnection: () => wrap(tunnel, url, options) }),
  };
  const plain = tunnel && { createConnection: () => tunnel };
  return new Promise((resolve, reject) => {
    const request =
      url.protocol === 'https:'
        ? httpsRequest(url, { ...common, ...secure })
        : httpRequest(url, { ...common, ...plain });
    request.once('error', reject);
    request.once('response', (response) => {
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

function wrap(tunnel: Socket, { hostname }: URL, options: HttpCall): Socket {
  const host = hostname.replace(/^\[|\]$/g, '');
  // RFC 6066 §3: the name of a server is no address; that is held against its certificate all the same.
  return tls.connect({ socket: tunnel, host, ...(isIP(host) === 0 && { servername: host }), ...tlsOptions(options) });
}

/** HTTP CONNECT (RFC 9110 §9.3.6): the proxy sees where to, and nothing else. */
function openTunnel(url: URL, proxy: string, signal: AbortSignal): Promise<Socket> {
  const { hostname, port, username, password } = new URL(proxy);
  const target = `${url.hostname}:${url.port || (url.protocol === 'https:' ? 443 : 80)}`;
  const credentials = Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64');
  const headers = { Host: target, ...(username !== '' && { 'Proxy-Authorization': `Basic ${credentials}` }) };
  return new Promise((resolve, reject) => {
    const request = httpRequest({ host: hostname, port: port || 80, method: 'CONNECT', path: target, headers, signal });
    const refused = (why: string) => reject(new Error(`the proxy ${hostname}:${port || 80} ${why}`));
    request.once('error', ({ message }) => refused(`cannot be reached (${message})`));
    request.once('response', ({ statusCode }) => refused(`answered ${statusCode} to CONNECT`));
    request.once('connect', ({ statusCode }, socket) => {
      if (statusCode === 200) resolve(socket);
      else if (statusCode === 407) refused('wants a user and a password, or others: see "proxy" in agent.json');
      else refused(`answered ${statusCode} to CONNECT`);
    });
    request.end();
  });
}
