import assert from 'node:assert/strict';
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

export function client(url: string, token: string): Client {
  const call: Client['call'] = async (method, path, body, headers = {}) => {
    const answer = await fetch(`${url}${path}`, {
      method,
      headers: {
        Authorization: `Bearer ${token}`,
        ...(body !== undefined && { 'Content-Type': 'application/json' }),
        ...headers,
      },
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
    });
    const text = await answer.text();
    const result = {
      status: answer.status,
      headers: answer.headers,
      body: text === '' ? undefined : (JSON.parse(text) as unknown),
    };
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
