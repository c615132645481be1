import { createServer, type Socket } from 'node:net';
import { AuthorityError } from '../errors.ts';
import { wordFor } from '../journal/record.ts';
import type { ByteReader, ByteWriter } from '../journal/binary.ts';
import type { Signer } from '../ports/signer.ts';
import type { SocketAccess } from './launch.ts';
import { listenAt } from './socket.ts';
import {
  FrameSplitter,
  frame,
  OPERATIONS,
  OUTCOME,
  readList,
  readRequest,
  readRevocation,
  readRole,
  writeDescription,
  writeEntry,
  writeError,
  writeList,
  type Operation,
  type ReceivedFrame,
} from './wire.ts';

export type SignerServerOptions = {
  readonly path: string;
  readonly access?: SocketAccess | undefined;
  /** Calls under way, of all clients together; above it SIGNER_UNAVAILABLE at once instead of an answer too late. */
  readonly queueLimit?: number;
  /** Defects of ours, which tell the caller nothing, and what keeps keys or journal from being used. */
  readonly report: (error: unknown) => void;
};

const QUEUE_LIMIT = 4096;
const TROUBLE_EVERY_MS = 10_000;

type Answer = (to: ByteWriter) => void;
type Handler = (signer: Signer, body: ByteReader) => Promise<Answer | undefined>;

const HANDLERS: Readonly<Record<Operation, Handler>> = {
  ping: async (signer) => {
    await signer.ping();
    return undefined;
  },
  keys: async (signer) => {
    const keys = await signer.keys();
    return (to) => writeList(to, keys, writeDescription);
  },
  createKey: async (signer, body) => {
    const { enterprise, ...role } = readRole(body);
    const key = await signer.createKey({ ...role, ...(enterprise !== undefined && { enterprise }) });
    return (to) => writeDescription(to, key);
  },
  bindCertificate: async (signer, body) => {
    const issuer = (from: ByteReader) => from.bytes();
    await signer.bindCertificate(body.text(), body.bytes(), body.optional(issuer));
    return undefined;
  },
  rotateKey: async (signer, body) => {
    const key = await signer.rotateKey(body.text());
    return (to) => writeDescription(to, key);
  },
  retireKey: async (signer, body) => {
    await signer.retireKey(body.text());
    return undefined;
  },
  sign: async (signer, body) => {
    const signatures = await signer.sign(readList(body, readRequest));
    return (to) => writeList(to, signatures, (writer, signature) => writer.bytes(signature));
  },
  recordRevocations: async (signer, body) => {
    await signer.recordRevocations(readList(body, readRevocation));
    return undefined;
  },
  journalHead: async (signer) => {
    const { sequence, hash } = await signer.journalHead();
    return (to) => to.u64(sequence).bytes(hash);
  },
  journalAfter: async (signer, body) => {
    const entries = await signer.journalAfter(body.u64(), body.u32());
    return (to) => writeList(to, entries, writeEntry);
  },
};

/**
 * Offers a signer on a unix socket. Who may connect is the kernel's matter: the folder is open to our own user only, and
 * so is the socket unless the launch says that the group may connect too.
 */
export async function serveSigner(signer: Signer, options: SignerServerOptions): Promise<{ close(): Promise<void> }> {
  const sockets = new Set<Socket>();
  let underWay = 0;
  const trouble = onceIn(TROUBLE_EVERY_MS, options.report);
  const limit = options.queueLimit ?? QUEUE_LIMIT;

  async function answer(received: ReceivedFrame): Promise<Buffer> {
    if (underWay >= limit) return failure(received.call, busy());
    underWay += 1;
    try {
      const handle = HANDLERS[wordFor(OPERATIONS, received.code)];
      const write = await handle(signer, received.body);
      return frame(received.call, OUTCOME.done, write);
    } catch (error) {
      if (error instanceof AuthorityError) {
        if (isTrouble(error)) trouble(error);
        return failure(received.call, error);
      }
      options.report(error);
      return failure(received.call, error instanceof RangeError ? malformed(error) : defect());
    } finally {
      underWay -= 1;
    }
  }

  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    serveConnection(socket, answer, options.report);
  });
  const end = await listenAt(server, options.path, options.access === 'group' ? 0o660 : 0o600);
  return {
    close: async () => {
      const closed = end();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

function serveConnection(
  socket: Socket,
  answer: (received: ReceivedFrame) => Promise<Buffer>,
  report: (error: unknown) => void,
): void {
  const splitter = new FrameSplitter();
  const send = (bytes: Buffer) => {
    // Answers of one batch leave in one write.
    if (socket.writableCorked === 0) {
      socket.cork();
      process.nextTick(() => socket.uncork());
    }
    socket.write(bytes);
  };
  socket.on('error', () => socket.destroy());
  socket.on('data', (chunk) => {
    try {
      for (const received of splitter.push(chunk)) answer(received).then(send, report);
    } catch (error) {
      report(error);
      socket.destroy();
    }
  });
}

/** What somebody has to do something about: callers are told no more than that they may ask again. */
function isTrouble({ code, cause }: AuthorityError): boolean {
  return code === 'JOURNAL_FULL' || (code === 'SIGNER_UNAVAILABLE' && cause !== undefined);
}

/** While a place is away each call meets the same; the log needs it now and then. */
function onceIn(everyMs: number, report: (error: unknown) => void): (error: unknown) => void {
  let last = -Infinity;
  return (error) => {
    const now = performance.now();
    if (now - last < everyMs) return;
    last = now;
    report(error);
  };
}

function failure(call: number, error: AuthorityError): Buffer {
  return frame(call, OUTCOME.failed, (to) => writeError(to, error));
}

function busy(): AuthorityError {
  return new AuthorityError('SIGNER_UNAVAILABLE', 'The signer has as much to do as it can hold; ask again later.');
}

function malformed(cause: RangeError): AuthorityError {
  return new AuthorityError('SIGNER_REFUSED', `The call was not understood: ${cause.message}`);
}

function defect(): AuthorityError {
  return new AuthorityError('SIGNER_UNAVAILABLE', 'The signer met a defect of its own; its log says which.');
}
