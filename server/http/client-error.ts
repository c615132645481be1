import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { HttpError, PROBLEM_TYPE, problemOf } from '../problem.ts';

/** What the parser of Node refuses before there is a request, so also before there is a request id. */
export function answerClientError(error: NodeJS.ErrnoException, socket: Duplex): void {
  const refused = refusal(error.code);
  if (!socket.writable || refused === undefined) {
    socket.destroy();
    return;
  }
  const { problem } = problemOf(refused, 'none');
  const body = JSON.stringify(problem);
  const head = [
    `HTTP/1.1 ${problem.status} ${STATUS_CODES[problem.status]}`,
    `Content-Type: ${PROBLEM_TYPE}`,
    `Content-Length: ${Buffer.byteLength(body)}`,
    // For clients of EST, who look there: the address that they meant is not known here.
    `X-Licet-Code: ${problem.code}`,
    'Connection: close',
  ];
  socket.end(`${head.join('\r\n')}\r\n\r\n${body}`, () => socket.destroy());
}

/**
 * Undefined: it is not about HTTP. A handshake that took too long can still come to its end when something is written, and
 * the client would take a refusal for an answer to what it has asked.
 */
function refusal(code = ''): HttpError | undefined {
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return new HttpError(431, 'HEADERS_TOO_LARGE', 'The request line and headers are larger than is allowed.');
    case 'HPE_CHUNK_EXTENSIONS_OVERFLOW':
      return new HttpError(413, 'BODY_TOO_LARGE', 'The chunk extensions are larger than is allowed.');
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return new HttpError(408, 'REQUEST_TIMEOUT', 'The request did not arrive in time.');
    default:
      if (!code.startsWith('HPE_')) return undefined;
      return new HttpError(400, 'HTTP_MALFORMED', 'This is not HTTP as RFC 9112 has it.');
  }
}
