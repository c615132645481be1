import type { IncomingMessage, ServerResponse } from 'node:http';
import { requestId } from './context.ts';

export const REQUEST_ID = 'X-Request-Id';

/**
 * By hand and not by helmet: this server answers machines, so there is one strict policy and nothing to configure. A
 * handler may replace any of them (a CRL is cacheable).
 */
const SECURITY_HEADERS = Object.entries({
  'Cache-Control': 'no-store',
  'Content-Security-Policy': "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
});

// RFC 6797: two years. Only over TLS, where alone it has a meaning.
const STRICT_TRANSPORT = 'max-age=63072000';

export function setSecurityHeaders(response: ServerResponse, isSecure: boolean): void {
  for (const [name, value] of SECURITY_HEADERS) response.setHeader(name, value);
  if (isSecure) response.setHeader('Strict-Transport-Security', STRICT_TRANSPORT);
}

/**
 * Names and values in turn, and the whole body at once, octets as a latin1 string: Node then sends head and body as one
 * string, where a Buffer would cost a gathering write of two. The cheapest way that it has.
 */
export function sendFast(
  request: IncomingMessage,
  response: ServerResponse,
  answer: { readonly status: number; readonly headers: readonly string[]; readonly body?: string },
): void {
  response.writeHead(answer.status, [...answer.headers, REQUEST_ID, requestId(request)]);
  response.end(request.method === 'HEAD' ? undefined : answer.body, 'latin1');
}
