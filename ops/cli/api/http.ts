import { type IncomingHttpHeaders, request as plain } from 'node:http';
import { request as secure } from 'node:https';
import { getCACertificates } from 'node:tls';
import { EXIT } from '../exit-codes.ts';
import { CliError } from '../io.ts';

export type HttpRequest = {
  readonly url: string;
  readonly method: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** PEM certificate to trust, and no other. Without it: those that Node trusts. */
  readonly root?: string | undefined;
  /** Those besides that root. */
  readonly publicTls?: boolean | undefined;
  /** Takes a good answer as it comes, instead of all of it at the end. */
  readonly onData?: (part: Buffer) => void;
  /** For bootstrap alone: what comes is worth nothing until its fingerprint was compared. */
  readonly anyServer?: boolean;
};

export type HttpAnswer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer };

const TIMEOUT_MS = 30_000;
const MOST_BYTES = 256 * 1024 * 1024;

/** One exchange. `fetch` cannot be given a root of its own, which is the point here. */
export function exchange({
  url,
  method,
  headers = {},
  body,
  root,
  publicTls = false,
  onData,
  anyServer = false,
}: HttpRequest): Promise<HttpAnswer> {
  const target = new URL(url);
  return new Promise((resolve, reject) => {
    const fail = (error: Error) => reject(unreachable(target, error));
    const options = {
      method,
      headers: { ...headers, ...(body !== undefined && { 'Content-Length': Buffer.byteLength(body) }) },
      timeout: TIMEOUT_MS,
      agent: false as const,
    };
    const authorities = root !== undefined && { ca: publicTls ? [root, ...getCACertificates()] : root };
    const tls = { ...authorities, rejectUnauthorized: !anyServer };
    const request = target.protocol === 'https:' ? secure(target, { ...options, ...tls }) : plain(target, options);
    request.once('timeout', () => request.destroy(new Error('no answer within 30 seconds')));
    request.once('error', fail);
    request.once('response', (response) => {
      const parts: Buffer[] = [];
      let length = 0;
      const isTaken = onData !== undefined && response.statusCode === 200;
      response.on('data', (part: Buffer) => {
        if (isTaken) return onData(part);
        parts.push(part);
        length += part.length;
        if (length > MOST_BYTES) request.destroy(new Error('the answer is too long'));
      });
      response.once('error', fail);
      // A part of an answer is none.
      response.once('aborted', () => fail(new Error('the connection broke in the middle of the answer')));
      response.once('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
      );
    });
    request.end(body);
  });
}

function unreachable({ origin }: URL, error: Error): CliError {
  const code = 'code' in error ? String(error.code) : '';
  if (code.includes('CERT') || code.includes('SIGNATURE') || code.startsWith('ERR_TLS')) {
    const fix =
      'compare its root: licet bootstrap <url> --fingerprint <fingerprint>, with --public-tls if the server, or a proxy ' +
      'before it, has its certificate from a CA that browsers trust, or that NODE_EXTRA_CA_CERTS names';
    return new CliError(
      EXIT.unknown,
      'SERVER_UNTRUSTED',
      `The certificate of ${origin} is not trusted (${code}); ${fix}.`,
      {
        cause: error,
      },
    );
  }
  const why = code === 'ECONNREFUSED' ? 'nobody listens there' : error.message || code;
  return new CliError(
    EXIT.temporary,
    'SERVER_UNREACHABLE',
    `${origin} cannot be reached: ${why}; is the server running?`,
    {
      cause: error,
    },
  );
}
