import { chmod, lstat, mkdir, rm } from 'node:fs/promises';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { dirname } from 'node:path';
import { fromBase64, FormatError, toBase64 } from '@licet/format';
import { possessionMessage, type Verdict } from '@licet/verify';
import { AgentError, readError } from './errors.ts';
import { withEvidence } from './bundle.ts';
import type { Evidence, Generation } from './site-folder.ts';

export type Answers = {
  current(): Promise<Generation | undefined>;
  evidence(): Promise<Evidence>;
  verdict(): Promise<Verdict | undefined>;
  /** By the key of the license, wherever it lies. */
  sign(current: Generation, message: Uint8Array): Promise<Uint8Array>;
};

/** More than the processes of a product that start at once; each may make us read 64 KiB of questions at a time. */
const MOST_CONNECTIONS = 256;
const IDLE_MS = 5000;

/** A challenge is at most 1 KiB; its JSON in base64 stays below this. */
const MOST_BODY_BYTES = 4096;

/**
 * What products of this machine may ask: the license, the verdict on it, and a proof that its key is here. Nothing here
 * changes anything, and the key itself is never told.
 */
export function createAnswers(answers: Answers): Server {
  const shared: Shared = { ...answers, bundle: bundleOf(answers), verdict: whileUnderWay(() => answers.verdict()) };
  const server = createServer((request, response) => {
    respond(shared, request, response).catch((thrown: unknown) => {
      const error = readError(thrown);
      // What is wrong with this site at the moment has its code here, too.
      if (error instanceof AgentError) return send(response, 503, { code: error.code, detail: error.message });
      send(response, 500, { code: 'INTERNAL', detail: error instanceof Error ? error.message : String(error) });
    });
  });
  server.requestTimeout = 5000;
  server.headersTimeout = 2000;
  // Whoever reads nothing of what was asked for holds a place for so long.
  server.timeout = IDLE_MS;
  server.maxConnections = MOST_CONNECTIONS;
  // A thousand questions fit into one packet, and each would be worked on at once.
  server.maxRequestsPerSocket = 1;
  server.on('dropRequest', (_request, socket) => socket.destroy());
  return server;
}

type Shared = Answers & { bundle(): Promise<Buffer | undefined> };

/** The same bytes for all who are told the same: those who read slowly would else keep one each. */
function bundleOf(answers: Answers): () => Promise<Buffer | undefined> {
  let told = Buffer.alloc(0);
  return whileUnderWay(async () => {
    const current = await answers.current();
    if (current === undefined) return undefined;
    const made = Buffer.from(withEvidence(current.license, await answers.evidence()));
    if (!made.equals(told)) told = made;
    return told;
  });
}

/** Whoever asks while it is being made gets that one, too. */
function whileUnderWay<T>(make: () => Promise<T>): () => Promise<T> {
  let underWay: Promise<T> | undefined;
  return () => (underWay ??= make().finally(() => (underWay = undefined)));
}

async function respond(answers: Shared, request: IncomingMessage, response: ServerResponse): Promise<void> {
  // A page in a browser of this machine must not talk to us by a name that it resolves as it likes.
  if (!isLocal(request)) return send(response, 403, { code: 'FORBIDDEN', detail: 'Only local programs are answered.' });
  switch (`${request.method} ${request.url}`) {
    case 'GET /v1/license': {
      const bundle = await answers.bundle();
      if (bundle === undefined) return none(response);
      response.writeHead(200, { 'Content-Type': 'application/pem-certificate-chain' }).end(bundle);
      return;
    }
    case 'GET /v1/verdict': {
      const verdict = await answers.verdict();
      return verdict === undefined ? none(response) : send(response, 200, verdict);
    }
    case 'POST /v1/possession':
      return prove(answers, request, response);
    default:
      return send(response, 404, {
        code: 'NOT_FOUND',
        detail: 'There are GET /v1/license, GET /v1/verdict and POST /v1/possession.',
      });
  }
}

function isLocal({ headers, socket }: IncomingMessage): boolean {
  const overUnixSocket = socket.remoteAddress === undefined;
  return overUnixSocket || /^(127\.0\.0\.1|localhost|\[::1\])(:\d+)?$/.test(headers.host ?? '');
}

const none = (response: ServerResponse): void =>
  send(response, 404, { code: 'NO_LICENSE', detail: 'This site has no license yet.' });

async function prove(answers: Answers, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const current = await answers.current();
  if (current === undefined) return none(response);
  const challenge = await readChallenge(request);
  if (challenge === undefined) {
    return send(response, 400, {
      code: 'INVALID',
      detail: 'Send {"challenge": "<16 to 1024 random bytes in base64>"}.',
    });
  }
  const signature = await answers.sign(current, possessionMessage(challenge));
  send(response, 200, { challenge: toBase64(challenge), signature: toBase64(signature) });
}

async function readChallenge(request: IncomingMessage): Promise<Uint8Array | undefined> {
  let text = '';
  for await (const chunk of request) {
    text += String(chunk);
    if (text.length > MOST_BODY_BYTES) return undefined;
  }
  try {
    const { challenge } = Object(JSON.parse(text)) as { challenge?: unknown };
    const bytes = typeof challenge === 'string' ? fromBase64(challenge) : undefined;
    return bytes !== undefined && bytes.length >= 16 && bytes.length <= 1024 ? bytes : undefined;
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof FormatError) return undefined;
    throw error;
  }
}

function send(response: ServerResponse, status: number, value: unknown): void {
  response
    .writeHead(status, { 'Content-Type': 'application/json', 'Cache-Control': 'no-store' })
    .end(`${JSON.stringify(value)}\n`);
}

/** Everybody on the machine may ask: nothing that is told is secret. */
export async function listenOnSocket(server: Server, path: string): Promise<void> {
  try {
    await mkdir(dirname(path)).catch(unlessThere);
    const here = await lstat(path).catch(() => undefined);
    if (here?.isSocket() === false) throw new Error('something else lies there');
    if (await isAnswered(path)) throw new Error('another agent answers there, perhaps of another folder');
    // What a crash left.
    await rm(path, { force: true });
    await listening(server, path);
    await chmod(path, 0o666);
  } catch (error) {
    throw notListening(path, 'socket', error);
  }
}

function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const probe = connect(path, () => {
      probe.destroy();
      resolve(true);
    });
    probe.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT' || error.code === 'ECONNREFUSED') resolve(false);
      else reject(error);
    });
  });
}

export async function listenOnPort(server: Server, port: number): Promise<void> {
  try {
    await listening(server, { port, host: '127.0.0.1' });
  } catch (error) {
    throw notListening(`127.0.0.1:${port}`, 'port', error);
  }
}

function listening(server: Server, where: string | { port: number; host: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(where, () => resolve());
  });
}

function unlessThere(error: unknown): void {
  if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
}

function notListening(where: string, setting: string, cause: unknown): AgentError {
  const { code, message } = cause as NodeJS.ErrnoException;
  const why = code === 'EADDRINUSE' ? 'another program listens there' : message;
  return new AgentError(
    'LISTEN_FAILED',
    `Products cannot be answered at ${where}: ${why}; see "${setting}" in agent.json.`,
    {
      cause,
    },
  );
}
