import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

/** A link to PostgreSQL's socket that can be slow, go silent or be cut, also when a client sends certain words. */
export type FaultProxy = {
  url: string;
  /** From now on nothing is passed on, and nothing is closed: a black hole. */
  silence(): void;
  /** From now on what is said takes so long to be heard, in each direction. */
  delay(ms: number): void;
  /** As before; what was held back is lost with its connections. */
  restore(): void;
  /** When a client says this, it is passed on, and the link is cut before the answer. */
  cutAfter(words: string): void;
  /** How often that was done. */
  readonly cuts: number;
  close(): Promise<void>;
};

export async function faultProxy(socketPath: string, database: string): Promise<FaultProxy> {
  let silent = false;
  let delayMs = 0;
  let fatal: string | undefined;
  let cuts = 0;
  const links = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(socketPath);
    for (const socket of [client, upstream]) {
      links.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => links.delete(socket));
    }
    let cut = false;
    const pass = (to: Socket, data: Buffer): void => {
      if (delayMs === 0) to.write(data);
      else setTimeout(() => to.writable && to.write(data), delayMs);
    };
    client.on('data', (data) => {
      if (silent) return;
      pass(upstream, data);
      if (fatal === undefined || !data.includes(fatal)) return;
      fatal = undefined;
      cuts += 1;
      cut = true;
    });
    upstream.on('data', (data) => {
      if (cut) client.destroy();
      else if (!silent) pass(client, data);
    });
    client.on('close', () => upstream.destroy());
    upstream.on('close', () => silent || client.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const drop = (): void => links.forEach((socket) => socket.destroy());
  return {
    url: `postgresql://postgres@127.0.0.1:${port}/${database}`,
    silence: () => void (silent = true),
    delay: (ms) => void (delayMs = ms),
    restore() {
      silent = false;
      delayMs = 0;
      drop();
    },
    cutAfter: (words) => void (fatal = words),
    get cuts() {
      return cuts;
    },
    async close() {
      drop();
      server.close();
      await once(server, 'close');
    },
  };
}
