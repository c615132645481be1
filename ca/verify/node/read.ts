import { constants, open } from 'node:fs/promises';
import { request } from 'node:http';

/** `absent`: nothing is there. `failed`: something is, and it cannot be used. */
export type SourceText = { readonly kind: 'text'; readonly text: string | Uint8Array } | NoText;
type NoText = { readonly kind: 'absent' | 'failed'; readonly why: string };

/** A license with its chain takes 6 KiB, and with a CRL of a thousand entries 50 KiB. */
export const MOST_BYTES: number = 1024 * 1024;

export function isBundleText(text: string): boolean {
  return text.includes('-----BEGIN ');
}

export const readLicenseFile = (path: string): Promise<SourceText> => readFileOf(path, MOST_BYTES);

/** Reads a regular file of bounded size: a pipe would never end, and a device may have no end at all. */
export async function readFileOf(path: string, mostBytes: number): Promise<SourceText> {
  try {
    // Without O_NONBLOCK the opening of a pipe alone waits until somebody writes to it. (Windows has no such flag.)
    await using file = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
    const stat = await file.stat();
    if (!stat.isFile()) return { kind: 'failed', why: 'is no regular file' };
    if (stat.size > mostBytes) return { kind: 'failed', why: `is larger than ${mostBytes} bytes` };
    const buffer = new Uint8Array(stat.size);
    const { bytesRead } = await file.read(buffer, 0, buffer.length, 0);
    if (bytesRead === 0) return { kind: 'failed', why: 'is empty' };
    return { kind: 'text', text: buffer.subarray(0, bytesRead) };
  } catch (error) {
    return fromSystem(error);
  }
}

const ABSENT: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
};

const FAILED: Readonly<Record<string, string>> = {
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  EISDIR: 'is a folder',
  ECONNREFUSED: 'nobody listens there',
};

function fromSystem(error: unknown): NoText {
  const code = (error as NodeJS.ErrnoException).code ?? '';
  if (code in ABSENT) return { kind: 'absent', why: ABSENT[code]! };
  return { kind: 'failed', why: FAILED[code] ?? `cannot be read: ${code || String(error)}` };
}

/**
 * Asks the agent: `GET /v1/license` over HTTP on its socket. It answers 200 with the license and its chain as PEM, or
 * 404 when it has none yet.
 */
export async function readAgent(socketPath: string, timeoutMs: number): Promise<SourceText> {
  const answer = await callAgent({ socketPath, path: '/v1/license', method: 'GET' }, timeoutMs);
  return answer.kind === 'answer' ? fromAnswer(answer) : answer;
}

type AgentCall = {
  readonly socketPath: string;
  readonly method: string;
  readonly path: string;
  readonly body?: string;
};
type AgentAnswer = { readonly kind: 'answer'; readonly status: number; readonly body: string };

/** One call to the agent of this machine, over HTTP on its socket. */
export function callAgent({ body: sent, ...call }: AgentCall, timeoutMs: number): Promise<AgentAnswer | NoText> {
  return new Promise((resolve) => {
    // One deadline over connect, headers and body: an agent that sends one byte a second must not hold up a product.
    const signal = AbortSignal.timeout(timeoutMs);
    const asked = request({ ...call, headers: { host: 'localhost' }, agent: false, signal });
    const failed = (error: unknown) =>
      resolve(signal.aborted ? { kind: 'failed', why: `did not answer within ${timeoutMs} ms` } : fromSystem(error));
    asked.on('error', failed);
    asked.on('response', (response) => {
      const parts: Buffer[] = [];
      let length = 0;
      response.on('error', failed);
      response.on('data', (part: Buffer) => {
        length += part.length;
        if (length <= MOST_BYTES) parts.push(part);
        else {
          resolve({ kind: 'failed', why: `answered with more than ${MOST_BYTES} bytes` });
          asked.destroy();
        }
      });
      response.on('end', () =>
        resolve({ kind: 'answer', status: response.statusCode ?? 0, body: Buffer.concat(parts).toString('utf8') }),
      );
    });
    asked.end(sent);
  });
}

function fromAnswer({ status, body }: AgentAnswer): SourceText {
  if (status === 404) return { kind: 'absent', why: 'the agent has no license yet' };
  if (status !== 200) return { kind: 'failed', why: `the agent answered ${status}` };
  return isBundleText(body)
    ? { kind: 'text', text: body }
    : { kind: 'failed', why: 'the agent answered with no license' };
}
