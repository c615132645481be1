import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { requireTool } from '@licet/checks';
import { decodePem } from '@licet/format';

const LICET = join(import.meta.dirname, '../licet.js');

// Its own root is one thing, and the certificate that its TLS shows is another.
describe('licet before a server whose TLS certificate is from another CA', () => {
  let folder: string;
  let server: Server;
  let bootstrap: string[];
  const at = (name: string) => join(folder, name);

  before(async function () {
    requireTool(this, 'openssl');
    folder = mkdtempSync(join(tmpdir(), 'licet-public-tls-'));
    for (const name of ['root', 'tls']) {
      const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-keyout', at(`${name}.key`)];
      const subject = ['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost', '-out', at(`${name}.pem`)];
      assert.equal(spawnSync('openssl', ['req', '-x509', ...key, ...subject]).status, 0);
    }
    const [tlsKey, tls, root] = ['tls.key', 'tls.pem', 'root.pem'].map((name) => readFileSync(at(name), 'utf8'));
    server = createServer({ key: tlsKey, cert: tls }, (request, response) => {
      response.setHeader('Content-Type', 'application/json');
      const isBootstrap = request.url === '/ca/bootstrap.json';
      response.end(JSON.stringify(isBootstrap ? { roots: [{ certificate: root }] } : { items: [] }));
    }).listen(0, 'localhost');
    await once(server, 'listening');
    const [block] = decodePem(root ?? '');
    const url = `https://localhost:${(server.address() as AddressInfo).port}`;
    bootstrap = ['bootstrap', url, '--fingerprint', createHash('sha256').update(block!.bytes).digest('hex')];
  });
  after(() => {
    server?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  async function licet(...args: string[]): Promise<{ code: number | null; err: string }> {
    const env = { ...process.env, LICET_CONTEXTS: at('contexts.json'), NODE_EXTRA_CA_CERTS: at('tls.pem') };
    const child = spawn(process.execPath, [LICET, ...args], { env, stdio: ['ignore', 'ignore', 'pipe'] });
    const [err] = await Promise.all([text(child.stderr), once(child, 'close')]);
    return { code: child.exitCode, err };
  }

  it('says so at once, and how to trust it, and keeps nothing', async () => {
    const { code, err } = await licet(...bootstrap);
    assert.match(err, /is not trusted .* with --public-tls if .*\[SERVER_UNTRUSTED\]/);
    assert.equal(code, 2);
    assert.equal(existsSync(at('contexts.json')), false);
  });

  it('talks to it once it was told that this is so', async () => {
    assert.deepEqual((await licet(...bootstrap, '--public-tls')).code, 0);
    const { code, err } = await licet('product', 'list');
    assert.equal(code, 0, err);
  });
});
