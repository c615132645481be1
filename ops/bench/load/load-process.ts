import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';

/**
 * The load, in a process of its own: what it costs is not counted as the server's. Requests come as finished bytes, the
 * sockets are written to by hand, and answers are cut out of the stream by their Content-Length: an HTTP client would
 * take more of the machine than the server leaves for it.
 */
export type Order =
  /** `connections`: one for all requests that it is given, or one for each. The handshakes are done before. */
  | { readonly type: 'open'; readonly port: number; readonly connections: readonly Identity[] }
  /** `clients` requests are under way at any moment. Request `i` goes over connection `i`, or whichever is free. */
  | {
      readonly type: 'send';
      readonly requests: readonly Uint8Array[];
      readonly clients: number;
      readonly over: Over;
    }
  | { readonly type: 'close' };

export type Over = 'its own' | 'any';

/** PEM; without it the client shows no certificate. */
export type Identity = { readonly key?: string; readonly cert?: string };

export type Answer = { readonly status: number; readonly body: Uint8Array; readonly ms: number };
export type Report = {
  readonly answers: readonly Answer[];
  readonly seconds: number;
  /** Of this process, user and system. */
  readonly cpuSeconds: number;
};

const HANDSHAKES_AT_ONCE = 16;

let connections: Connection[] = [];

process.on('message', (order: Order) => {
  obey(order).then(
    (report) => process.send!(report ?? {}),
    (error: unknown) => process.send!({ error: error instanceof Error ? error.message : String(error) }),
  );
});

async function obey(order: Order): Promise<Report | undefined> {
  if (order.type === 'send') return send(order);
  for (const connection of connections) connection.close();
  connections = [];
  if (order.type === 'close') return undefined;
  const made: Connection[] = [];
  await side(HANDSHAKES_AT_ONCE, order.connections.length, async (i) => {
    made[i] = await Connection.open(order.port, order.connections[i]!);
  });
  connections = made;
  return undefined;
}

async function send({ requests, clients, over }: Extract<Order, { type: 'send' }>): Promise<Report> {
  const answers: Answer[] = [];
  const cpu = process.cpuUsage();
  const began = performance.now();
  await side(clients, requests.length, async (i, client) => {
    const connection = connections[over === 'any' ? client : i]!;
    const sent = performance.now();
    const { status, body } = await connection.ask(requests[i]!);
    answers[i] = { status, body, ms: performance.now() - sent };
  });
  const seconds = (performance.now() - began) / 1000;
  const { user, system } = process.cpuUsage(cpu);
  return { answers, seconds, cpuSeconds: (user + system) / 1e6 };
}

/** `work(0)` to `work(count - 1)`, so many side by side. */
async function side(width: number, count: number, work: (i: number, lane: number) => Promise<void>): Promise<void> {
  let next = 0;
  const lane = async (_: unknown, number: number): Promise<void> => {
    while (next < count) await work(next++, number);
  };
  await Promise.all(Array.from({ length: Math.min(width, count) }, lane));
}

const HEAD_END = Buffer.from('\r\n\r\n');

class Connection {
  readonly #socket: TLSSocket;
  #received: Buffer = Buffer.alloc(0);
  #failed: Error | undefined;
  #waiting: { resolve(answer: Omit<Answer, 'ms'>): void; reject(error: Error): void } | undefined;

  private constructor(socket: TLSSocket) {
    this.#socket = socket;
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#take(chunk));
    socket.on('error', (error) => this.#fail(error));
    socket.on('close', () => this.#fail(new Error('the server closed the connection')));
  }

  static open(port: number, identity: Identity): Promise<Connection> {
    // Whether it is the right server is not what is measured.
    const options: ConnectionOptions = { host: '127.0.0.1', port, rejectUnauthorized: false, ...identity };
    return new Promise((resolve, reject) => {
      const socket = connect(options, () => {
        socket.off('error', reject);
        resolve(new Connection(socket));
      });
      socket.once('error', reject);
    });
  }

  ask(request: Uint8Array): Promise<Omit<Answer, 'ms'>> {
    return new Promise((resolve, reject) => {
      // Also while nobody waited: an idle connection may have been closed.
      if (this.#failed) throw this.#failed;
      this.#waiting = { resolve, reject };
      this.#socket.write(request);
    });
  }

  close(): void {
    this.#socket.removeAllListeners('close').destroy();
  }

  #take(chunk: Buffer): void {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk]);
    const end = this.#received.indexOf(HEAD_END);
    if (end < 0) return;
    const head = this.#received.toString('latin1', 0, end);
    const start = end + HEAD_END.length;
    const length = Number(/\r\ncontent-length: (\d+)/i.exec(head)?.[1] ?? 0);
    if (this.#received.length < start + length) return;
    const body = this.#received.subarray(start, start + length);
    this.#received = this.#received.subarray(start + length);
    const status = Number(head.slice(9, 12));
    this.#waiting?.resolve({ status, body });
    this.#waiting = undefined;
  }

  #fail(error: Error): void {
    this.#failed ??= error;
    this.#waiting?.reject(error);
    this.#waiting = undefined;
  }
}
