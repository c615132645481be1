import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { Agent, request } from 'node:https';
import { text } from 'node:stream/consumers';
import { ENDPOINTS } from '../../http/api/index.ts';
import type { Endpoint } from '../../http/api/endpoint.ts';
import { problem } from '../../http/openapi/problem-schema.ts';
import { refusalsOf } from '../../http/openapi/refusals.ts';
import type { Problem } from '../../problem.ts';

export type Answer<Body = unknown> = { readonly status: number; readonly headers: Headers; readonly body: Body };

/** A client that holds the server to its document: each answer must be one that the endpoint describes. */
export type Client = {
  call(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  ok(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  refused(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer<Problem>>;
};

type Sent = { readonly method: string; readonly headers: Record<string, string>; readonly body?: string };
type Received = { readonly status: number; readonly headers: Headers; readonly text: string };
/** How a request gets there. */
type Via = (url: string, sent: Sent) => Promise<Received>;

const overFetch: Via = async (url, sent) => {
  const answer = await fetch(url, { ...sent, redirect: 'manual' });
  return { status: answer.status, headers: answer.headers, text: await answer.text() };
};

/** Over TLS, where asked with the license of a site as client certificate. The server's own is not what is tried. */
export function overTls(license?: { readonly cert: string; readonly key: string }): Via {
  const agent = new Agent({ ...license, keepAlive: true, rejectUnauthorized: false });
  return async (url, { body, ...sent }) => {
    const asked = request(url, { ...sent, agent });
    asked.end(body);
    const [answer] = (await once(asked, 'response')) as [IncomingMessage];
    const headers = new Headers(Object.entries(answer.headers).map(([name, value]) => [name, String(value)]));
    return { status: answer.statusCode ?? 0, headers, text: await text(answer) };
  };
}

export function client(url: string, token: string | undefined, via: Via = overFetch): Client {
  const call: Client['call'] = async (method, path, body, headers = {}) => {
    const answer = await via(`${url}${path}`, {
      method,
      headers: {
        ...(token !== undefined && { Authorization: `Bearer ${token}` }),
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const result = { status: answer.status, headers: answer.headers, body: bodyOf(answer) };
    checkDescribed(method, path, result);
    return result;
  };
  return {
    call,
    async ok(...args) {
      const answer = await call(...args);
      assert.ok(answer.status < 300, `${args[0]} ${args[1]}: ${JSON.stringify(answer.body)}`);
      return answer;
    },
    async refused(...args) {
      const answer = await call(...args);
      assert.ok(answer.status >= 400, `${args[0]} ${args[1]} was not refused: ${answer.status}`);
      return answer as Answer<Problem>;
    },
  };
}

function bodyOf({ headers, text: whole }: Received): unknown {
  if (whole === '') return undefined;
  return /^application\/(?:problem\+)?json/.test(headers.get('content-type') ?? '') ? JSON.parse(whole) : whole;
}

function checkDescribed(method: string, path: string, { status, body }: Answer): void {
  const endpoint = endpointAt(method, path);
  const where = `${method} ${path} answers ${status} ${JSON.stringify(body)}`;
  if (status === endpoint.status) {
    const { error } = endpoint.answer.safeParse(body);
    assert.equal(error, undefined, `${where}: ${error?.message}`);
    return;
  }
  const { code } = problem.parse(body);
  assert.ok(
    refusalsOf(endpoint).get(status)?.includes(code) === true,
    `${where}, which the document does not describe`,
  );
}

function endpointAt(method: string, path: string): Endpoint {
  const { pathname } = new URL(path, 'http://localhost');
  const matches = ENDPOINTS.filter(
    (it) => it.method === method && new RegExp(`^${it.path.replaceAll(/:\w+/g, '[^/]+')}$`).test(pathname),
  );
  // `/sites/create` is also a `/sites/:id`: the first in the table wins, as in the server.
  assert.ok(matches[0] !== undefined, `${method} ${path} is no endpoint`);
  return matches[0];
}
