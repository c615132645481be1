import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { Readable } from 'node:stream';
import { HttpError } from '../../problem.ts';
import { requestId } from '../context.ts';
import { isUnchanged } from '../conditional.ts';
import type { FastPath } from '../dispatcher.ts';
import { REQUEST_ID } from '../headers.ts';
import { pemLength, pemOf } from './pem.ts';

/** A CRL in force, with its bytes. */
export type ServedCrl = {
  readonly der: Uint8Array;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date;
  /** Undefined: not yet a date that tells this list from the one before. */
  readonly modifiedAt: Date | undefined;
  readonly etag: string;
};

export type CrlSource = {
  /** By the name under which certificates point to it; undefined: there is no such CRL. */
  get(generation: string, shard: number): Promise<ServedCrl | undefined>;
};

export type CrlPathOptions = { readonly prefix?: string };

const NAME = /^\/([0-9a-f]{40})\/(0|[1-9]\d{0,5})\.(crl|pem)$/;
/** Long enough to spare us most of the asking, short enough that a revocation is seen soon. */
const SHARED_SECONDS = 60;

/** `GET /crl/<key identifier>/<shard>.crl`, or `.pem`: RFC 5280 §4.2.1.13, RFC 2585 §4.2. */
export function crlFastPath(source: CrlSource, { prefix = '/crl' }: CrlPathOptions = {}): FastPath {
  return {
    method: 'GET',
    prefix,
    async handle(request, response) {
      const path = (request.url ?? '').slice(prefix.length).replace(/\?.*$/s, '');
      const [, generation = '', shard = '', form] = NAME.exec(path) ?? [];
      const crl = form === undefined ? undefined : await source.get(generation, Number(shard));
      if (crl === undefined) throw new HttpError(404, 'CRL_NOT_FOUND', 'There is no CRL under this name.');
      await send(crl, form === 'pem', request, response);
    },
  };
}

async function send(crl: ServedCrl, asPem: boolean, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.setHeader(REQUEST_ID, requestId(request));
  const etag = asPem ? `${crl.etag.slice(0, -1)}-pem"` : crl.etag;
  if (crl.modifiedAt !== undefined) response.setHeader('Last-Modified', crl.modifiedAt.toUTCString());
  response.setHeader('Expires', crl.nextUpdate.toUTCString());
  response.setHeader('ETag', etag);
  response.setHeader('Cache-Control', `max-age=${SHARED_SECONDS}, public, no-transform, must-revalidate`);
  if (isUnchanged(request, etag, crl.modifiedAt)) {
    response.writeHead(304).end();
    return;
  }
  response.setHeader('Content-Type', asPem ? 'application/x-pem-file' : 'application/pkix-crl');
  response.setHeader('Content-Length', asPem ? pemLength(crl.der.length) : crl.der.length);
  if (request.method === 'HEAD') response.end();
  // In pieces, as fast as the client takes them: a CRL of a million entries as PEM is a string of 60 MB.
  else if (asPem) await streamed(Readable.from(pemOf(crl.der)), response);
  else response.end(crl.der);
}

/** Who goes away in the middle of it is nobody's failure. */
async function streamed(from: Readable, response: ServerResponse): Promise<void> {
  try {
    await pipeline(from, response);
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ERR_STREAM_PREMATURE_CLOSE')) throw error;
  }
}
