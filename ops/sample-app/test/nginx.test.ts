import assert from 'node:assert/strict';
import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import { type AddressInfo, createServer as createSocketServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { requireTool } from '@licet/checks';
import { encodePem, extension, fromHex } from '@licet/format';
import {
  issue,
  makeCrl,
  makeEnterprise,
  makeOrganization,
  makeRoot,
  makeSite,
  type Party,
} from '@licet/verify/testing';
import { callSecondService } from '../second-service.ts';

const DAY = 86_400_000;
const from = (days: number): Date => new Date(Date.now() + days * DAY);
const pem = (...parties: Party[]): string =>
  parties.map(({ certificate }) => encodePem('CERTIFICATE', certificate)).join('');
const keyPem = ({ key }: Party): string => key.export({ type: 'pkcs8', format: 'pem' }).toString();

async function freePort(): Promise<number> {
  const probe = createSocketServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  return port;
}

// nginx is a verifier that knows nothing of us: a license must be a good TLS client certificate to it as it is.
describe('The second service behind nginx', () => {
  let folder: string;
  let nginx: ChildProcess;
  let backend: Server;
  let url: string;
  const dates = { notBefore: from(-1), notAfter: from(20) };
  const root = makeRoot({ notBefore: from(-2), notAfter: from(900) });
  const organization = makeOrganization(root, { notBefore: from(-2), notAfter: from(800) });
  const enterprise = makeEnterprise(organization, { notBefore: from(-2), notAfter: from(700) });
  const site = makeSite(enterprise, dates);
  const revoked = makeSite(enterprise, { ...dates, serial: fromHex('4711') });
  const service = issue(root, {
    ...dates,
    subject: [['commonName', 'localhost']],
    extensions: [extension.subjectAltName([{ kind: 'dns', value: 'localhost' }])],
  });

  before(async function () {
    requireTool(this, 'nginx');
    folder = await mkdtemp(join(tmpdir(), 'licet-nginx-'));
    backend = createServer((request, response) => response.end(String(request.headers['x-licet-subject'])));
    backend.listen(0, '127.0.0.1');
    await once(backend, 'listening');
    const crl = (issuer: Party, serials: string[] = []) =>
      encodePem(
        'X509 CRL',
        makeCrl(issuer, {
          thisUpdate: from(-1),
          nextUpdate: from(5),
          entries: serials.map((serial) => ({ serial: fromHex(serial), revokedAt: from(-1) })),
        }),
      );
    const files = {
      'root.pem': pem(root),
      'service.pem': pem(service),
      'service.key': keyPem(service),
      'crls.pem': crl(root) + crl(organization) + crl(enterprise, ['4711']),
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
    const port = await freePort();
    const sample = await readFile(join(import.meta.dirname, '../nginx.conf'), 'utf8');
    const adapted = sample
      .replaceAll('/etc/licet/', `${folder}/`)
      .replace('listen 8443', `listen 127.0.0.1:${port}`)
      .replace('127.0.0.1:9000', `127.0.0.1:${(backend.address() as AddressInfo).port}`)
      .replace(
        'http {',
        `http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f; uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;`,
      );
    await writeFile(
      join(folder, 'nginx.conf'),
      `daemon off; master_process off; pid ${folder}/pid; error_log ${folder}/error.log;\n${adapted}`,
    );
    const test = spawnSync('nginx', ['-t', '-c', join(folder, 'nginx.conf'), '-p', folder], { encoding: 'utf8' });
    assert.equal(test.status, 0, test.stderr);
    nginx = spawn('nginx', ['-c', join(folder, 'nginx.conf'), '-p', folder], { stdio: 'ignore' });
    url = `https://localhost:${port}/`;
    await pause(300);
  });

  after(async () => {
    nginx?.kill();
    backend?.close();
    if (folder !== undefined) await rm(folder, { recursive: true, force: true });
  });

  async function callAs(party: Party, ...chain: Party[]): Promise<string> {
    await writeFile(join(folder, 'site.lic'), pem(party, ...chain));
    await writeFile(join(folder, 'site.key'), keyPem(party));
    return callSecondService(url, folder, pem(root));
  }

  it('takes the license of a site as client certificate, and knows whose it is', async () => {
    assert.equal(await callAs(site, enterprise, organization), 'CN=plant-7,OU=globex,O=acme');
  });

  it('refuses one that was revoked', async () => {
    await assert.rejects(callAs(revoked, enterprise, organization), /400/);
  });

  it('refuses one without its chain', async () => {
    await assert.rejects(callAs(site), /400/);
  });

  it('refuses one from another root', async () => {
    const other = makeOrganization(makeRoot({ notBefore: from(-2), notAfter: from(900) }), {
      notBefore: from(-2),
      notAfter: from(800),
    });
    const theirs = makeEnterprise(other, { notBefore: from(-2), notAfter: from(700) });
    await assert.rejects(callAs(makeSite(theirs, dates), theirs, other), /400/);
  });
});
