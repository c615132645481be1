import { timingSafeEqual } from 'node:crypto';
import type { Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { LicetError } from '../../licensing/errors.ts';

const EXPORTER = { label: 'EXPORTER-Channel-Binding', length: 32 } as const;

/**
 * RFC 7030 §3.5: who puts what only the two ends of this TLS session know into the signed request shows that the
 * requester is the one who speaks here. It is checked whenever it is there.
 */
export function checkChannelBinding(socket: Socket, given: string | undefined, isRequired: boolean): void {
  if (given === undefined) {
    if (!isRequired) return;
    throw new LicetError(
      'forbidden',
      'CHANNEL_BINDING_MISSING',
      'This server wants proof that the request was made in this TLS session: put tls-unique (TLS 1.2) or ' +
        'tls-exporter (TLS 1.3), in base64, into the challengePassword.',
    );
  }
  const expected = socket instanceof TLSSocket ? channelBinding(socket) : undefined;
  if (expected === undefined) {
    throw new LicetError(
      'invalid',
      'CHANNEL_BINDING_UNAVAILABLE',
      'The request carries a challengePassword, and there is no TLS session here to compare it with; leave it out.',
    );
  }
  if (isSame(Buffer.from(given), Buffer.from(expected.toString('base64')))) return;
  throw new LicetError(
    'forbidden',
    'CHANNEL_BINDING_WRONG',
    'The challengePassword is not the channel binding of this TLS session; make the request anew in the session that ' +
      'sends it, or leave the challengePassword out.',
  );
}

/** RFC 9266 §2: the context is there and empty. */
const exporter = (socket: TLSSocket): Buffer =>
  socket.exportKeyingMaterial(EXPORTER.length, EXPORTER.label, Buffer.alloc(0));

/** What both ends know of their session, or undefined where none is defined. */
export function channelBinding(socket: TLSSocket): Buffer | undefined {
  // TLS 1.3 has no tls-unique (RFC 8446 appendix C.5).
  if (socket.getProtocol() === 'TLSv1.3') return exporter(socket);
  // RFC 5929 §3.1: the first Finished message; the client's, or in a resumed session the server's.
  return socket.isSessionReused() ? socket.getFinished() : socket.getPeerFinished();
}

function isSame(given: Buffer, expected: Buffer): boolean {
  return given.length === expected.length && timingSafeEqual(given, expected);
}
