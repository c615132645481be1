import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { surroundingCredentials } from '@licet/keystores';

describe('The credentials that AWS gives a program', () => {
  let folder: string;
  let server: Server;
  let base: string;
  const asked: string[] = [];
  const clock = { at: new Date('2026-06-01T00:00:00Z'), now: () => clock.at };
  const given = {
    AccessKeyId: 'AKID',
    SecretAccessKey: 'secret',
    Token: 'session',
    Expiration: '2026-06-01T06:00:00Z',
  };

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'licet-aws-'));
    server = createServer(({ method, url, headers }, response) => {
      asked.push(`${method} ${url}`);
      const token = headers['x-aws-ec2-metadata-token'];
      if (url === '/latest/api/token') response.end('t0ken');
      else if (url === '/container') response.end(headers.authorization === 'may' ? JSON.stringify(given) : '{}');
      else if (token !== 't0ken') response.writeHead(401).end();
      else response.end(url?.endsWith('/machine-role') === true ? JSON.stringify(given) : 'machine-role\n');
    }).listen(0, '127.0.0.1');
    await new Promise((resolve) => server.once('listening', resolve));
    base = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  beforeEach(() => asked.splice(0));
  after(() => {
    server.close();
    rmSync(folder, { recursive: true });
  });
  const expected = { accessKeyId: 'AKID', secretAccessKey: 'secret', sessionToken: 'session' };

  it('are those of the environment before all others', async () => {
    const env = { AWS_ACCESS_KEY_ID: 'AKID', AWS_SECRET_ACCESS_KEY: 'secret', AWS_SESSION_TOKEN: 'session' };
    assert.deepEqual(await surroundingCredentials(env, clock)(), expected);
  });
  it('are those of the container, with its word', async () => {
    const token = join(folder, 'token');
    writeFileSync(token, 'may\n');
    const env = {
      AWS_CONTAINER_CREDENTIALS_FULL_URI: `${base}/container`,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: token,
    };
    assert.deepEqual(await surroundingCredentials(env, clock)(), expected);
    const without = surroundingCredentials({ AWS_CONTAINER_CREDENTIALS_FULL_URI: `${base}/container` }, clock);
    await assert.rejects(without(), { name: 'KeystoreError', code: 'locked' });
  });
  it('are those of the file', async () => {
    const file = join(folder, 'credentials');
    writeFileSync(
      file,
      '[default]\naws_access_key_id = x\n[site]\naws_access_key_id = AKID\naws_secret_access_key = secret\n',
    );
    const env = { AWS_SHARED_CREDENTIALS_FILE: file, AWS_PROFILE: 'site' };
    assert.deepEqual(await surroundingCredentials(env, clock)(), { ...expected, sessionToken: undefined });
  });
  it('are those of the machine, kept until shortly before they end', async () => {
    const source = surroundingCredentials({ AWS_EC2_METADATA_SERVICE_ENDPOINT: base }, clock);
    assert.deepEqual(await source(), expected);
    assert.deepEqual(
      asked.map((one) => one.split(' ')[0]),
      ['PUT', 'GET', 'GET'],
    );
    await source();
    assert.equal(asked.length, 3);
    clock.at = new Date('2026-06-01T05:56:00Z');
    await source();
    assert.equal(asked.length, 6);
  });
});
