import type { Request, Response } from 'express';
import type { Action } from '../../licensing/access/actions.ts';
import { sealedAnswers } from '../../licensing/access/sealed-answers.ts';
import { canonicalJson } from '../../licensing/canonical-json.ts';
import { idempotent } from '../../licensing/idempotent.ts';
import type { Principal } from '../../licensing/model/principal.ts';
import type { IdempotencyKeys, KeptAnswer } from '../../licensing/ports/idempotency.ts';
import type { Transaction, Transactions } from '../../licensing/ports/transactions.ts';
import { addressOf, type Guards } from '../access/guards.ts';
import { authenticatedOf } from '../access/principal.ts';
import { parseInput } from '../input.ts';
import { HttpError } from '../../problem.ts';
import type { Route } from '../routes.ts';
import { entityTag, seenVersion } from './conditional.ts';
import { type Call, type Caller, type Endpoint, hasBody, isOpen, type Open, type Reply, type Use } from './endpoint.ts';
import { sendChunks } from './chunks.ts';
import { nextLink } from './paging.ts';
import { urlReader } from './wire.ts';

export type ApiDeps = {
  /** How often, who, and whether at all: what runs before the body is read. */
  readonly guardsFor: (action: Action | Open) => Guards;
  readonly use: Use;
  readonly keys: IdempotencyKeys;
};

type AnyCall = Call<Record<string, unknown>, Record<string, unknown>, unknown>;

/** Nobody: what `anyone` may ask needs no one. */
const NOBODY: Principal = {
  kind: 'system',
  id: 'anonymous',
  organization: '',
  roles: [],
  enterprise: undefined,
  site: undefined,
};

export function routeOf(endpoint: Endpoint, deps: ApiDeps): Route {
  const { action, method, path, isLight, endsAt } = endpoint;
  const readUrl = urlReader(endpoint);
  return {
    method,
    path,
    ...deps.guardsFor(action),
    ...(isLight !== undefined && { isLight }),
    ...(endsAt && { endsAt }),
    ...(endpoint.media && { produces: endpoint.media }),
    ...(endpoint.body && {
      body: { kind: 'json', ...(endpoint.bodyBytes !== undefined && { limit: endpoint.bodyBytes }) },
    }),
    ...(endpoint.answerMs !== undefined && { answerMs: endpoint.answerMs }),
    handle: (request, response) => serve(endpoint, deps, readUrl(request), request, response),
  };
}

async function serve(
  endpoint: Endpoint,
  deps: ApiDeps,
  url: Pick<AnyCall, 'params' | 'query'>,
  request: Request,
  response: Response,
): Promise<void> {
  const { principal, session } = isOpen(endpoint.action)
    ? { principal: NOBODY, session: undefined }
    : authenticatedOf(request);
  const call: AnyCall = {
    principal,
    caller: callerOf(request, session),
    ...url,
    body: endpoint.body && parseInput(endpoint.body, request.body),
    version: endpoint.changesVersion === true ? seenVersion(request.headers['if-match']) : undefined,
  };
  // Whatever is no POST may be repeated as it is.
  const isPromise = endpoint.repeats !== undefined || request.method === 'POST';
  const key = isPromise ? request.get('Idempotency-Key') : undefined;
  if (key !== undefined) {
    if (endpoint.repeats === undefined) throw keyRefused();
    send(await serveOnce(endpoint, deps, request, call, key), request, response);
    return;
  }
  const reply = endpoint.reply(await endpoint.run(call, deps.use), call);
  if (reply.chunks === undefined) send(answerOf(endpoint, request, reply), request, response);
  else
    await sendChunks(
      reply.chunks,
      { 'Content-Type': endpoint.media?.[0] ?? 'application/json', ...reply.headers },
      request,
      response,
    );
}

/** Ignored, it would be taken for a promise. */
function keyRefused(): HttpError {
  const message = 'This call keeps no answer, so it takes no Idempotency-Key; send it without, docs/api.md says why.';
  return new HttpError(400, 'IDEMPOTENCY_KEY_REFUSED', message);
}

const callerOf = (request: Request, session: string | undefined): Caller => ({
  address: addressOf(request),
  session,
  cookie(name) {
    const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
    return pairs.find((pair) => pair.startsWith(`${name}=`))?.slice(name.length + 1);
  },
});

function serveOnce(
  endpoint: Endpoint,
  { use, keys }: ApiDeps,
  request: Request,
  call: AnyCall,
  key: string,
): Promise<KeptAnswer> {
  const { organization, id: principal } = call.principal;
  // As it was understood, not as it was spelled: white space does not make another request.
  const body = Buffer.from(canonicalJson(request.body ?? null));
  const keyed = { organization, principal, key, method: request.method, route: request.originalUrl, body };
  const { transactions } = use.licensing;
  const answerTo = (result: unknown) => answerOf(endpoint, request, endpoint.reply(result, call));
  const sealed = sealedAnswers(keys, use.access.sealer);
  return idempotent({ transactions, keys: sealed }, keyed, async (keep) => {
    if (endpoint.repeats?.(call.body) === 'in-transaction') {
      const once = keeping(transactions, (tx, result) => keep(tx, answerTo(result)));
      const licensing = { ...use.licensing, transactions: once };
      const { access, notices } = use;
      const within = { access: { ...access, transactions: once }, notices: { ...notices, transactions: once } };
      return answerTo(await endpoint.run(call, { ...use, licensing, ...within }));
    }
    const answer = answerTo(await endpoint.run(call, use));
    await transactions.run({ organization }, (tx) => keep(tx, answer));
    return answer;
  });
}

/** Transactions that write `note` what they result in, as the last thing they do. */
function keeping(transactions: Transactions, note: (tx: Transaction, result: unknown) => Promise<void>): Transactions {
  return {
    run: (scope, work, options) =>
      transactions.run(
        scope,
        async (tx) => {
          const result = await work(tx);
          if (options?.readOnly !== true) await note(tx, result);
          return result;
        },
        options,
      ),
  };
}

function answerOf(
  { status }: Endpoint,
  request: Request,
  { body, version, next, location, headers: more }: Reply<unknown>,
): KeptAnswer {
  const headers = {
    ...more,
    ...(version !== undefined && { ETag: entityTag(version) }),
    ...(next !== undefined && { Link: nextLink(request.originalUrl, next) }),
    ...(location !== undefined && { Location: location }),
  };
  if (!hasBody(status)) return { status, headers, body: '' };
  return {
    status,
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify(body),
  };
}

function send({ status, headers, body }: KeptAnswer, request: Request, response: Response): void {
  response.statusCode = status;
  for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
  const tag = headers['ETag'];
  if (request.method === 'GET' && tag !== undefined && request.get('If-None-Match') === tag) {
    response.statusCode = 304;
    response.removeHeader('Content-Type');
    response.end();
    return;
  }
  if (status !== 204) response.setHeader('Content-Length', Buffer.byteLength(body));
  // As in `sendFast`: head and body leave as one, because both are text.
  response.end(request.method === 'HEAD' ? undefined : body, 'utf8');
}
