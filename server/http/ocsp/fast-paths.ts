import type { IncomingMessage, ServerResponse } from 'node:http';
import { readBody } from '../body.ts';
import { hasTag } from '../conditional.ts';
import type { FastPath } from '../dispatcher.ts';
import { sendFast } from '../headers.ts';
import { requestInPath } from './get-url.ts';

/** What the authority answers; its side of the wall is `createOcspResponder`. */
export type OcspAnswer = {
  readonly status: string;
  readonly der: Uint8Array;
  readonly shared: { readonly thisUpdate: Date; readonly nextUpdate: Date; readonly etag: string } | undefined;
};

export type OcspResponder = {
  answer(asked: string, request: () => Uint8Array): OcspAnswer | Promise<OcspAnswer>;
};

export type OcspPathOptions = {
  readonly prefix?: string;
  /** Told the status of each answer. */
  readonly answered?: (status: string) => void;
};

/** As the decoder's limit: larger ones are refused unread. */
const MOST_BYTES = 65_536;
/**
 * How long a proxy may answer in our place. Much shorter than nextUpdate, because a revocation should be seen soon;
 * nextUpdate is for clients that cannot reach us.
 */
const SHARED_SECONDS = 60;

/**
 * OCSP over HTTP, RFC 6960 appendix A with RFC 9919 §5, §6. Every outcome is a 200 with an OCSP response in it, tryLater
 * as well: clients take any other status for a broken transport and do not look into it.
 */
export function ocspFastPaths(responder: OcspResponder, options: OcspPathOptions = {}): readonly FastPath[] {
  const { prefix = '/ocsp', answered } = options;
  const send = (answer: OcspAnswer, request: IncomingMessage, response: ServerResponse) => {
    answered?.(answer.status);
    sendAnswer(answer, request, response);
  };
  return [
    {
      method: 'GET',
      prefix,
      handle(request, response) {
        const { url = '' } = request;
        const answer = responder.answer(url, () => requestInPath(url, prefix));
        // At hand nearly always: then it leaves in this turn.
        if (answer instanceof Promise) return answer.then((made) => send(made, request, response));
        return send(answer, request, response);
      },
    },
    {
      method: 'POST',
      prefix,
      async handle(request, response) {
        const body = await readBody(request, response, MOST_BYTES);
        // No URL begins so.
        send(await responder.answer(`:${body.toString('latin1')}`, () => body), request, response);
      },
    },
  ];
}

function sendAnswer(answer: OcspAnswer, request: IncomingMessage, response: ServerResponse): void {
  const { headers, body } = onTheWire(answer);
  const { shared } = answer;
  if (shared !== undefined && hasTag(request, shared.etag)) {
    sendFast(request, response, { status: 304, headers: headers.slice(4) });
  } else sendFast(request, response, { status: 200, headers, body });
}

/** Headers are names and values in turn, those of the body first: a 304 has none of them. */
type OnTheWire = { readonly headers: readonly string[]; readonly body: string };

const known = new WeakMap<OcspAnswer, OnTheWire>();

function onTheWire(answer: OcspAnswer): OnTheWire {
  let wire = known.get(answer);
  if (wire === undefined) {
    const { buffer, byteOffset, byteLength } = answer.der;
    wire = { headers: makeHeaders(answer), body: Buffer.from(buffer, byteOffset, byteLength).toString('latin1') };
    known.set(answer, wire);
  }
  return wire;
}

function makeHeaders({ status, der, shared }: OcspAnswer): string[] {
  const body = ['Content-Type', 'application/ocsp-response', 'Content-Length', String(der.length)];
  if (shared === undefined) {
    const retry = status === 'tryLater' ? ['Retry-After', '5'] : [];
    return [...body, 'Cache-Control', 'no-store', ...retry];
  }
  const { thisUpdate, nextUpdate, etag } = shared;
  return body.concat(
    ['Last-Modified', thisUpdate.toUTCString(), 'Expires', nextUpdate.toUTCString(), 'ETag', etag],
    ['Cache-Control', `max-age=${SHARED_SECONDS}, public, no-transform, must-revalidate`],
  );
}
