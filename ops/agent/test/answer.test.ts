import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes, sign, verify } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { encodePem } from '@licet/format';
import { possessionMessage } from '@licet/verify';
import { askPossession } from '@licet/verify/node';
import { createAnswers, listenOnSocket } from '../answer.ts';
import { AgentError } from '../errors.ts';
import type { Evidence, Generation } from '../site-folder.ts';

const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const GENERATION: Generation = {
  key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
  license: 'a license',
};

type Asked = { path: string; method?: string; body?: string; headers?: Record<string, string> };

function ask(where: { socketPath: string } | { port: number }, { path, method = 'GET', body, headers = {} }: Asked) {
  return new Promise<{ status: number; text: string }>((resolve, reject) => {
    const outgoing = request({ ...where, host: '127.0.0.1', path, method, headers }, (response) => {
      let text = '';
      response.on('data', (chunk: Buffer) => (text += chunk.toString()));
      response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
    });
    outgoing.once('error', reject);
    outgoing.end(body);
  });
}

describe('What the agent answers to products', () => {
  let folder: string;
  let current: Generation | undefined;
  let evidence: Evidence = { crls: [], ocsp: [] };
  const answers = {
    current: () => Promise.resolve(current),
    evidence: () => Promise.resolve(evidence),
    verdict: () => Promise.resolve(undefined),
    sign: (_: Generation, message: Uint8Array) => Promise.resolve(sign('sha256', message, privateKey)),
  };
  const server = createAnswers(answers);
  let where: { socketPath: string };

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'licet-agent-'));
    where = { socketPath: join(folder, 'run', 'agent.sock') };
    await listenOnSocket(server, where.socketPath);
  });
  beforeEach(() => {
    current = GENERATION;
    evidence = { crls: [], ocsp: [] };
  });
  after(async () => {
    server.close();
    await rm(folder, { recursive: true });
  });

  it('is the license', async () => {
    assert.deepEqual(await ask(where, { path: '/v1/license' }), { status: 200, text: 'a license\n' });
  });

  it('is followed by what tells about its revocation, as much of it as a product takes', async () => {
    const [small, large] = [new Uint8Array(300).fill(1), new Uint8Array(900_000).fill(2)];
    evidence = { crls: [large, small], ocsp: [small] };
    const { text } = await ask(where, { path: '/v1/license' });
    const pem = (label: string) => encodePem(label, small);
    assert.equal(text, `a license\n${pem('X509 CRL')}${pem('OCSP RESPONSE')}`);
  });

  it('is that there is none yet', async () => {
    current = undefined;
    for (const path of ['/v1/license', '/v1/verdict']) {
      const { status, text } = await ask(where, { path });
      assert.equal(status, 404);
      assert.equal((JSON.parse(text) as { code: string }).code, 'NO_LICENSE');
    }
  });

  it('is a proof of the key over a challenge in its own context, never over the bare challenge', async () => {
    const challenge = randomBytes(32);
    const body = JSON.stringify({ challenge: challenge.toString('base64') });
    const { status, text } = await ask(where, { path: '/v1/possession', method: 'POST', body });
    assert.equal(status, 200);
    const signature = Buffer.from((JSON.parse(text) as { signature: string }).signature, 'base64');
    assert.equal(verify('sha256', possessionMessage(challenge), publicKey, signature), true);
    assert.equal(verify('sha256', challenge, publicKey, signature), false);
  });

  it('is with a code what the site lacks at the moment', async () => {
    const away = new AgentError('KEY_UNAVAILABLE', 'The token is away.');
    const tokenless = createAnswers({ ...answers, sign: () => Promise.reject(away) });
    const socketPath = join(folder, 'tokenless.sock');
    await listenOnSocket(tokenless, socketPath);
    const body = JSON.stringify({ challenge: randomBytes(32).toString('base64') });
    const { status, text } = await ask({ socketPath }, { path: '/v1/possession', method: 'POST', body });
    tokenless.close();
    assert.deepEqual([status, JSON.parse(text)], [503, { code: 'KEY_UNAVAILABLE', detail: 'The token is away.' }]);
  });

  it('is asked for by the library, which takes silence and refusal for no proof', async () => {
    const [proof, other] = [
      await askPossession({ agentSocket: where.socketPath }),
      await askPossession({ agentSocket: '/none' }),
    ];
    assert.equal(verify('sha256', possessionMessage(proof!.challenge), publicKey, proof!.signature), true);
    assert.equal(other, undefined);
    current = undefined;
    assert.equal(await askPossession({ agentSocket: where.socketPath }), undefined);
  });

  const BAD = [
    { name: 'no JSON', body: 'challenge' },
    { name: 'no challenge', body: '{}' },
    { name: 'nothing', body: 'null' },
    { name: 'a challenge that can be guessed', body: JSON.stringify({ challenge: 'AAAA' }) },
    { name: 'a challenge that is no base64', body: JSON.stringify({ challenge: '%%%%%%%%%%%%%%%%%%%%%%%%' }) },
    { name: 'more than a challenge can need', body: JSON.stringify({ challenge: 'A'.repeat(9000) }) },
  ];
  for (const { name, body } of BAD) {
    it(`is a refusal of ${name}`, async () => {
      assert.equal((await ask(where, { path: '/v1/possession', method: 'POST', body })).status, 400);
    });
  }

  it('is nothing to a page that reaches the port under a name of its own', async () => {
    const tcp = createAnswers(answers);
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const { port } = tcp.address() as AddressInfo;
    assert.equal((await ask({ port }, { path: '/v1/license' })).status, 200);
    assert.equal((await ask({ port }, { path: '/v1/license', headers: { Host: 'evil.test' } })).status, 403);
    tcp.close();
  });

  it('comes from one agent at a socket: another is told, and takes nothing away', async () => {
    const second = createAnswers(answers);
    await assert.rejects(listenOnSocket(second, where.socketPath), {
      code: 'LISTEN_FAILED',
      message: /another agent answers there.*see "socket" in agent\.json/,
    });
    assert.equal((await ask(where, { path: '/v1/license' })).status, 200);
  });

  it('is given where a crash has left a socket', async () => {
    const socketPath = join(folder, 'left.sock');
    const program = `require('net').createServer().listen(${JSON.stringify(socketPath)}, () => process.kill(process.pid, 'SIGKILL'))`;
    spawnSync(process.execPath, ['-e', program]);
    const next = createAnswers(answers);
    await listenOnSocket(next, socketPath);
    assert.equal((await ask({ socketPath }, { path: '/v1/license' })).status, 200);
    next.close();
  });

  it('is made once for two hundred who ask at a time, and for one question of a connection', async () => {
    let made = 0;
    const busy = createAnswers({
      ...answers,
      current: () => {
        made += 1;
        return pause(300, GENERATION);
      },
    });
    const socketPath = join(folder, 'busy.sock');
    await listenOnSocket(busy, socketPath);
    const flood = connect(socketPath).on('error', () => undefined);
    flood.write('GET /v1/license HTTP/1.1\r\nHost: localhost\r\n\r\n'.repeat(1000));
    await once(flood.resume(), 'close');
    const asked = await Promise.all(Array.from({ length: 200 }, () => ask({ socketPath }, { path: '/v1/license' })));
    busy.close();
    assert.ok(asked.every(({ status, text }) => status === 200 && text === 'a license\n'));
    assert.ok(made < 10, `${made} times`);
  });

  it('is where to look, for anything else', async () => {
    assert.equal((await ask(where, { path: '/v1/key' })).status, 404);
    assert.equal((await ask(where, { path: '/v1/license', method: 'DELETE' })).status, 404);
  });
});
