import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { requireTool } from '@licet/checks';
import { toBase64 } from '@licet/format';
import { type EstServer, estServer } from './est-server.ts';
import { csrFor } from './requests.ts';

describe('Channel binding by a client that has TLS of its own (GnuTLS)', function () {
  this.timeout(30_000);
  let server: EstServer;
  before(async function () {
    requireTool(this, 'gnutls-cli');
    server = await estServer({ requireChannelBinding: true });
  });
  after(() => server?.close());

  /** Opens a session, makes the request in it from what the client knows of the session, and sends it there. */
  function enrol(version: string, binding: string, bent = 0): Promise<string> {
    const priority = `NORMAL:-VERS-ALL:+VERS-TLS${version}`;
    const to = ['--x509cafile', server.at('root.pem'), '--port', String(server.port), 'localhost'];
    const client = spawn('gnutls-cli', ['--verbose', '--priority', priority, ...to]);
    let said = '';
    let isAsked = false;
    client.stdout.on('data', (data: Buffer) => {
      said += data.toString('latin1');
      const known = new RegExp(`'${binding}': ([0-9a-f]+)\n`).exec(said)?.[1];
      // Its last words before it passes on what comes in.
      if (isAsked || known === undefined || !said.includes('Simple Client Mode')) return;
      isAsked = true;
      const value = Buffer.from(known, 'hex');
      value[0]! ^= bent;
      const body = toBase64(csrFor({ password: value.toString('base64') }));
      const head = [
        'POST /.well-known/est/simpleenroll HTTP/1.1',
        'Host: localhost',
        `Authorization: Basic ${Buffer.from(`x:${server.office.token()}`).toString('base64')}`,
        'Content-Type: application/pkcs10',
        `Content-Length: ${body.length}`,
        'Connection: close',
      ];
      client.stdin.write(`${head.join('\r\n')}\r\n\r\n${body}`);
    });
    return new Promise((resolve, reject) => {
      client.once('error', reject).once('close', () => resolve(/HTTP\/1\.1 (\d+)/.exec(said)?.[1] ?? said));
    });
  }

  for (const [version, binding] of [
    ['1.2', 'tls-unique'],
    ['1.3', 'tls-exporter'],
  ] as const) {
    it(`${binding} of TLS ${version} is what it computes too`, async () => {
      assert.equal(await enrol(version, binding), '200');
      assert.equal(await enrol(version, binding, 1), '403');
    });
  }
});
