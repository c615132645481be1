import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer as createHttpsServer } from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireThat, requireTool } from '@licet/checks';
import { call } from '../http.ts';
import { hasCode } from './living-site.ts';

describe('The agent on the network', () => {
  const open: Server[] = [];
  afterEach(() => {
    for (const server of open.splice(0)) server.close();
  });

  async function listening(server: Server, host = '127.0.0.1'): Promise<number> {
    open.push(server);
    await once(server.listen(0, host), 'listening');
    return (server.address() as AddressInfo).port;
  }
  const get = (url: string, proxy: string, signal?: AbortSignal) =>
    call({ method: 'GET', url, trust: 'nobody yet', proxy, signal });

  /** Tunnels nowhere, as many do for what is not the port of https. */
  function forwardingProxy() {
    const asked: (string | undefined)[] = [];
    const server = createHttpServer((request, response) => {
      asked.push(`${request.method} ${request.url}`, request.headers.host, request.headers['proxy-authorization']);
      response.end('a list');
    });
    server.on('connect', (_request, socket) => socket.end('HTTP/1.1 403 Forbidden\r\n\r\n'));
    return { asked, server };
  }

  it('hands a proxy what is not encrypted as it is, with its own name for the server', async () => {
    const { asked, server } = forwardingProxy();
    const proxy = `http://me:p%40ss@127.0.0.1:${await listening(server)}`;
    const { status, body } = await get('http://crl.test/1.crl', proxy);
    assert.deepEqual([status, String(body)], [200, 'a list']);
    const word = `Basic ${Buffer.from('me:p@ss').toString('base64')}`;
    assert.deepEqual(asked, ['GET http://crl.test/1.crl', 'crl.test', word]);
  });

  it('finds a proxy by an address of version 6', async function () {
    const { server } = forwardingProxy();
    const port = await listening(server, '::1').catch(() => undefined);
    requireThat(this, port === undefined ? ['IPv6'] : []);
    const proxy = `http://[::1]:${port}`;
    assert.equal((await get('http://crl.test/1.crl', proxy)).status, 200);
    await assert.rejects(get('https://licenses.test/', proxy), hasCode('UNAVAILABLE', /\[::1\]:\d+ answered 403/));
  });

  for (const scheme of ['http', 'https']) {
    it(`lets go of a proxy that refuses and holds on, for ${scheme}`, async () => {
      const sockets: Socket[] = [];
      const server = createServer((socket) => {
        sockets.push(socket.on('error', () => socket.destroy()).resume());
        socket.write(
          'HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\nConnection: keep-alive\r\n\r\n',
        );
      });
      const proxy = `http://127.0.0.1:${await listening(server)}`;
      await assert.rejects(get(`${scheme}://site.test/`, proxy), hasCode('UNAVAILABLE', /wants a user and a password/));
      if (!sockets[0]!.destroyed) await once(sockets[0]!, 'close');
    });
  }

  for (const [when, delay] of [
    ['at once', 0],
    ['in the middle', 30],
  ] as const) {
    it(`survives a proxy that breaks its tunnel off ${when}`, async () => {
      const server = createHttpServer().on('connect', (_request, socket: Socket) => {
        socket.on('error', () => socket.destroy()).resume();
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        setTimeout(() => socket.resetAndDestroy(), delay);
      });
      const proxy = `http://127.0.0.1:${await listening(server)}`;
      await assert.rejects(get('https://site.test/', proxy), hasCode('UNAVAILABLE', /site\.test cannot be reached/));
    });
  }

  it('reaches through a proxy what can be reached by no other way', async function () {
    requireTool(this, 'openssl');
    const folder = mkdtempSync(join(tmpdir(), 'licet-tunnel-'));
    const [keyout, out] = [join(folder, 'key.pem'), join(folder, 'certificate.pem')];
    const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', keyout];
    execFileSync('openssl', ['req', '-x509', ...key, '-subj', '/CN=site.test', '-out', out], { stdio: 'pipe' });
    const tls = { key: readFileSync(keyout), cert: readFileSync(out) };
    rmSync(folder, { recursive: true });
    const behind = await listening(createHttpsServer(tls, (_request, response) => void response.end('an answer')));
    const server = createHttpServer().on('connect', (_request, socket: Socket) => {
      const upstream = connect(behind, '127.0.0.1', () => {
        socket.write('HTTP/1.1 200 OK\r\n\r\n');
        upstream.pipe(socket).pipe(upstream);
      });
    });
    const proxy = `http://127.0.0.1:${await listening(server)}`;
    assert.equal(String((await get('https://site.test/', proxy)).body), 'an answer');
  });

  it('asks nobody any longer when it is to stop', async () => {
    const silent = createServer((socket) => void socket.on('error', () => socket.destroy()).resume());
    const url = `http://127.0.0.1:${await listening(silent)}/`;
    const stop = new AbortController();
    const asked = call({ method: 'GET', url, trust: 'nobody yet', signal: stop.signal });
    stop.abort();
    await assert.rejects(asked, hasCode('UNAVAILABLE', /the agent is being stopped/));
  });
});
