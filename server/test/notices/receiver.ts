import { createServer, type IncomingHttpHeaders, type RequestListener } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';

export type Received = { readonly headers: IncomingHttpHeaders; readonly body: string; readonly path: string };
export type Answer = {
  readonly status: number;
  readonly headers?: Record<string, string>;
  readonly body?: string;
  /** Never answers. */
  readonly hangs?: boolean;
};

/** Somebody's server that takes webhooks: what it got, and what it answers. */
export type Receiver = {
  readonly url: string;
  readonly received: Received[];
  /** One for each request; the last one stays. */
  answers: Answer[];
  close(): Promise<void>;
};

export async function openReceiver(files?: { cert: string; key: string }): Promise<Receiver> {
  const receiver: Omit<Receiver, 'url' | 'close'> = { received: [], answers: [{ status: 204 }] };
  const listener: RequestListener = (request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { headers, url: path = '' } = request;
      receiver.received.push({ headers, body: Buffer.concat(parts).toString(), path });
      const answer = receiver.answers.length > 1 ? receiver.answers.shift() : receiver.answers[0];
      if (answer?.hangs === true) return;
      response.writeHead(answer?.status ?? 500, answer?.headers).end(answer?.body);
    });
  };
  const server = files === undefined ? createServer(listener) : createTlsServer(files, listener);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const url = files === undefined ? `http://127.0.0.1:${port}/hooks` : `https://localhost:${port}/hooks`;
  return Object.assign(receiver, {
    url,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  });
}
