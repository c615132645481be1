import type { IncomingMessage } from 'node:http';

/**
 * RFC 9110 §13.1.2: whether the client has what is named by this tag, weakly compared, since a proxy may have compressed
 * it. Another method than GET and HEAD has no use for it.
 */
export function hasTag({ method, headers }: IncomingMessage, etag: string): boolean {
  const tags = headers['if-none-match'];
  if (tags === undefined || method === 'POST') return false;
  if (tags === etag || tags === '*') return true;
  return tags.split(',').some((tag) => tag.trim().replace(/^W\//, '') === etag);
}

/** §13.2.2: a tag that is given is what counts, and the date only without one. */
export function isUnchanged(request: IncomingMessage, etag: string, modifiedAt: Date | undefined): boolean {
  if (request.headers['if-none-match'] !== undefined) return hasTag(request, etag);
  if (modifiedAt === undefined) return false;
  const since = Date.parse(request.headers['if-modified-since'] ?? '');
  return Math.floor(modifiedAt.getTime() / 1000) * 1000 <= since;
}
