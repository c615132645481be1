import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { get } from 'node:https';
import { join } from 'node:path';
import { connect } from 'node:tls';
import type { Response } from 'express';
import { decodeCertsOnly, encodePem, toHex } from '@licet/format';
import { rollOver } from '../../authority/rollover.ts';
import { chainOfServices, issueServiceCertificate } from '../../authority/service-certificates.ts';
import { systemClock } from '../../clock.ts';
import { createLog } from '../../log/log.ts';
import { createMetrics } from '../../metrics/metrics.ts';
import { keepOwnTls } from '../../tls/own.ts';
import { publishing } from '../../wiring/publishing.ts';
import { type Served, serve } from '../frame/served.ts';
import { Workshop } from './workshop.ts';

const DAY_MS = 86_400_000;

describe("the server's own TLS certificate, and /ca", function () {
  this.timeout(30_000);
  let workshop: Workshop;
  let now = new Date();
  before(async () => {
    workshop = await Workshop.open();
  });
  after(() => workshop.close());
  beforeEach(() => {
    now = new Date();
  });

  const names = ['localhost', '127.0.0.1', '::1'];
  const keep = (file: string, more: { lookEveryMs?: number; names?: readonly string[]; fail?: () => boolean } = {}) =>
    keepOwnTls({
      file,
      names,
      certify: (csr) => {
        if (more.fail?.() === true) throw new Error('planted');
        return issueServiceCertificate(workshop.authority, {
          organization: 'demo',
          names,
          csr,
          principal: 'server test',
        });
      },
      above: () => chainOfServices(workshop.authority.directory, 'demo'),
      clock: { now: () => now },
      log: createLog({
        level: 'error',
        format: 'json',
        clock: { now: () => now },
        write: () => undefined,
        secrets: [],
      }),
      metrics: createMetrics({ version: '0', routes: [], jobs: [] }),
      ...(more.names && { names: more.names }),
      ...(more.lookEveryMs && { lookEveryMs: more.lookEveryMs }),
    });
  const leafIn = (file: string) =>
    new X509Certificate(readFileSync(file, 'utf8').replace(/^[\s\S]*?-----END PRIVATE KEY-----\n/, ''));

  it('is made at the first start, kept at the next, and readable by its owner only', async () => {
    const file = join(workshop.folder, 'kept.pem');
    (await keep(file)).stop();
    const first = leafIn(file);
    assert.equal(statSync(file).mode & 0o777, 0o600);
    assert.equal(first.subjectAltName, 'DNS:localhost, IP Address:127.0.0.1, IP Address:0:0:0:0:0:0:0:1');
    assert.equal(Math.round((first.validToDate.getTime() - first.validFromDate.getTime()) / DAY_MS), 90);
    (await keep(file)).stop();
    assert.equal(leafIn(file).serialNumber, first.serialNumber);
  });

  it('is made anew for other names, and instead of a damaged one', async () => {
    const file = join(workshop.folder, 'names.pem');
    (await keep(file)).stop();
    const { serialNumber } = leafIn(file);
    (await keep(file, { names: ['licet.example'] })).stop();
    assert.notEqual(leafIn(file).serialNumber, serialNumber);
    writeFileSync(file, 'nothing');
    (await keep(file)).stop();
    assert.ok(leafIn(file).checkHost('localhost'));
  });

  it('that is due and cannot be renewed yet is no reason not to start: it is served, and renewed later', async () => {
    const file = join(workshop.folder, 'due.pem');
    (await keep(file)).stop();
    const { serialNumber } = leafIn(file);
    now = new Date(now.getTime() + 61 * DAY_MS);
    let isFenced = true;
    const watched = await keep(file, { lookEveryMs: 5, fail: () => isFenced });
    assert.ok(watched.first.options.cert);
    assert.equal(leafIn(file).serialNumber, serialNumber);
    const renewed = new Promise<void>((resolve) => watched.onChange(() => resolve()));
    isFenced = false;
    await renewed;
    watched.stop();
    assert.notEqual(leafIn(file).serialNumber, serialNumber);
  });

  it('is renewed when two thirds of its life are over, and served from then on, while connections go on', async () => {
    const file = join(workshop.folder, 'renewed.pem');
    const watched = await keep(file, { lookEveryMs: 5 });
    const hello = (_: unknown, response: Response) => void response.send('hello');
    const served = await serve({
      routes: [{ method: 'GET', path: '/', handle: hello }],
      tls: { options: watched.first.options, requestClientCertificate: false },
    });
    const socket = connect({ port: served.port, rejectUnauthorized: false }).setEncoding('utf8');
    try {
      await once(socket, 'secureConnect');
      const before = leafIn(file);
      const swapped = new Promise<void>((resolve) =>
        watched.onChange(({ options }) => {
          served.listener.replaceTls(options);
          resolve();
        }),
      );
      now = new Date(now.getTime() + 59 * DAY_MS);
      await new Promise((resolve) => setTimeout(resolve, 50));
      assert.equal(leafIn(file).serialNumber, before.serialNumber);
      now = new Date(now.getTime() + 2 * DAY_MS);
      await swapped;
      const after = leafIn(file);
      assert.notEqual(after.serialNumber, before.serialNumber);
      assert.notDeepEqual(after.publicKey.export({ format: 'jwk' }), before.publicKey.export({ format: 'jwk' }));
      const other = connect({ port: served.port, rejectUnauthorized: false });
      await once(other, 'secureConnect');
      assert.equal(other.getPeerX509Certificate()?.serialNumber, after.serialNumber);
      other.destroy();
      assert.equal(socket.getPeerX509Certificate()?.serialNumber, before.serialNumber);
      socket.write('GET / HTTP/1.1\r\nHost: localhost\r\n\r\n');
      const [answer] = (await once(socket, 'data')) as [string];
      assert.match(answer, /^HTTP\/1\.1 200 /);
    } finally {
      socket.destroy();
      watched.stop();
      await served.close();
    }
  });

  describe('served', () => {
    let served: Served;
    let pinned: string;
    before(async () => {
      const tls = await keep(join(workshop.folder, 'served.pem'));
      tls.stop();
      const fastPaths = publishing(workshop.authority, () => 'https://localhost');
      served = await serve({ fastPaths, tls: { options: tls.first.options, requestClientCertificate: false } });
      pinned = encodePem('CERTIFICATE', (await workshop.authority.directory.roots())[0]!);
    });
    after(() => served.close());

    const ask = (path: string, headers: Record<string, string> = {}) =>
      new Promise<{ status: number; headers: Record<string, unknown>; body: Buffer }>((resolve, reject) => {
        const request = get(
          { host: 'localhost', port: served.port, path, ca: pinned, headers, agent: false },
          (response) => {
            const parts: Buffer[] = [];
            response.on('data', (part: Buffer) => parts.push(part));
            response.on('end', () =>
              resolve({ status: response.statusCode ?? 0, headers: response.headers, body: Buffer.concat(parts) }),
            );
          },
        );
        request.on('error', reject);
      });

    it('convinces a client that trusts the root alone, and hands it the root with its fingerprint', async () => {
      const { status, body } = await ask('/ca/bootstrap.json');
      assert.equal(status, 200);
      const { roots, server } = JSON.parse(body.toString()) as {
        roots: { sha256: string; certificate: string }[];
        server: string;
      };
      assert.deepEqual([roots[0]?.sha256, server], [new X509Certificate(pinned).fingerprint256, 'https://localhost']);
      assert.equal((await ask('/ca/roots.pem')).body.toString(), pinned);
    });

    it('gives the CA at the address in its certificates, with its chain, as DER and PEM', async () => {
      const [service] = await workshop.authority.directory.list({ kind: 'service', limit: 1 });
      const base = `/ca/${toHex(service!.keyIdentifier)}`;
      const der = await ask(`${base}.cer`);
      assert.deepEqual(new Uint8Array(der.body), service!.certificate);
      assert.equal(der.headers['content-type'], 'application/pkix-cert');
      assert.equal((await ask(`${base}.pem`)).body.toString(), encodePem('CERTIFICATE', service!.certificate));
      assert.equal((await ask(`${base}.chain.pem`)).body.toString().match(/BEGIN/g)?.length, 2);
      assert.equal(decodeCertsOnly((await ask(`${base}.chain.p7c`)).body).length, 2);
      for (const tag of [String(der.headers['etag']), `"x", W/${String(der.headers['etag'])}`]) {
        const again = await ask(`${base}.cer`, { 'If-None-Match': tag });
        assert.deepEqual([again.status, again.body.length], [304, 0], tag);
      }
    });

    it('has nothing under other names', async () => {
      for (const path of ['/ca', '/ca/', `/ca/${'0'.repeat(40)}.cer`, '/ca/../etc', `/ca/${'0'.repeat(40)}.key`]) {
        assert.equal((await ask(path)).status, 404, path);
      }
    });
  });

  describe('when its CA was followed by another', () => {
    it('is made anew by that, at the next look and at the next start, and once', async () => {
      const files = ['looking.pem', 'starting.pem'].map((name) => join(workshop.folder, name));
      const [looking, starting] = files.map((file) => keep(file));
      const watched = await looking!;
      (await starting!).stop();
      const [before] = await workshop.authority.directory.list({ kind: 'service', limit: 1 });
      const { signer } = workshop;
      const { to } = await rollOver({ ...workshop.authority, signer, clock: systemClock }, before!.key);
      const renewed = new Promise<void>((resolve) => watched.onChange(() => resolve()));
      watched.reload();
      await renewed;
      watched.stop();
      (await keep(files[1]!)).stop();
      const issuer = new X509Certificate(to.certificate);
      for (const file of files) {
        const leaf = leafIn(file);
        assert.ok(leaf.checkIssued(issuer), leaf.issuer);
        (await keep(file)).stop();
        assert.equal(leafIn(file).serialNumber, leaf.serialNumber);
      }
    });
  });
});
