import { type Agent, type IncomingHttpHeaders } from 'node:http';
import { request } from 'node:https';

export type Question = {
  readonly method: 'GET' | 'POST' | 'DELETE';
  readonly path: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  /** A license, for those who show one; such a connection is not used again. */
  readonly identity?: { readonly key: string; readonly cert: string };
};

export type Answer = { readonly status: number; readonly headers: IncomingHttpHeaders; readonly body: Buffer };

/** The request may have been carried out, or not. `wasSent` false: it never left, so another server may be asked. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';
  readonly wasSent: boolean;

  constructor(cause: Error, wasSent: boolean) {
    super(cause.message, { cause });
    this.wasSent = wasSent;
  }
}

/** Longer than any request may take. */
const PATIENCE_MS = 30_000;

export type Way = {
  readonly port: number;
  readonly agent: Agent;
  readonly ca: string;
  /** The clock of the server is another than ours: whether its certificate is valid is not for us to say. */
  readonly anyClock?: boolean;
};

/** One request over HTTPS, and its whole answer. */
export function ask({ port, agent, ca, anyClock = false }: Way, question: Question): Promise<Answer> {
  const { method, path, headers = {}, body = '', identity } = question;
  return new Promise((resolve, reject) => {
    let wasSent = false;
    const asked = request({
      host: '127.0.0.1',
      port,
      method,
      path,
      ca,
      rejectUnauthorized: !anyClock,
      headers: { ...headers, 'Content-Length': Buffer.byteLength(body) },
      timeout: PATIENCE_MS,
      ...(identity === undefined ? { agent } : { ...identity, agent: false }),
    });
    asked.on('socket', (socket) => {
      const sent = () => (wasSent = true);
      // A connection that is kept alive may be closed just as it is used: then nobody knows.
      if (asked.reusedSocket) sent();
      else socket.once('secureConnect', sent);
    });
    asked.on('timeout', () => asked.destroy(new Error('no answer in time')));
    asked.on('error', (error) => reject(new NoAnswer(error, wasSent)));
    asked.on('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.on('error', (error) => reject(new NoAnswer(error, true)));
      response.on('end', () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(chunks) }),
      );
    });
    asked.end(body);
  });
}

/** The stable code of a refusal: of a problem document, or of EST's plain text. */
export function codeOf({ headers, body }: Answer): string {
  const header = headers['x-licet-code'];
  if (typeof header === 'string') return header;
  try {
    const { code } = JSON.parse(body.toString('utf8')) as { code?: unknown };
    return typeof code === 'string' ? code : '';
  } catch {
    return '';
  }
}
