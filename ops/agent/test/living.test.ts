import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { bundle, enterprise, makeSite, NOW, organization } from '@licet/verify/testing';
import { acceptByHand } from '../by-hand.ts';
import { renew } from '../enrol.ts';
import { call } from '../http.ts';
import { report } from '../report.ts';
import { begin, publicKeyIn } from '../request.ts';
import type { Settings } from '../settings.ts';
import { hasCode, licensed, living, siteFolders } from './living-site.ts';

describe('A site that lives on', function () {
  this.timeout(20_000);
  let folder: string;
  const newFolder = siteFolders();
  beforeEach(() => void (folder = newFolder()));

  it('goes through its states as the page of the agent has them, without an authority', async () => {
    const { stateAt } = await living(folder);
    // The license is ten days old now and lives twenty more; then come fourteen of grace.
    for (const [day, state] of [
      [0, 'valid'],
      [12, 'renew-soon'],
      [21, 'in-grace'],
      [33, 'in-grace'],
      [35, 'restricted'],
    ] as const) {
      assert.equal(await stateAt(day), state, `day ${day}`);
    }
  });

  for (const [what, day, state] of [
    ['thirty days ahead', 30, 'in-grace'],
    ['four hundred days ahead', 400, 'restricted'],
    ['in the year 2038', 4236, 'restricted'],
    ['in the year 2050', 8601, 'restricted'],
  ] as const) {
    it(`a clock that was ${what} and is set right leaves nothing behind`, async () => {
      const { agent, log, stateAt } = await living(folder);
      assert.equal(await stateAt(0), 'valid');
      assert.equal(await stateAt(day), state);
      log.length = 0;
      assert.equal(await stateAt(12), 'renew-soon');
      assert.equal(agent.verdict?.usable, true);
      assert.ok(
        log.some((line) => line.startsWith('not renewed (UNAVAILABLE)')),
        `it tries again at once: ${log.join()}`,
      );
    });
  }

  it('a clock that was set back before the license is told from a license that is over', async () => {
    const { agent, stateAt } = await living(folder);
    await stateAt(0);
    await stateAt(-15);
    assert.ok(
      agent.verdict?.codes.some(({ code }) => code === 'CLOCK_ROLLBACK'),
      JSON.stringify(agent.verdict?.codes),
    );
    assert.equal(await stateAt(0), 'valid');
  });

  it('without a server it asks nobody, and says how to go on when it is time', async () => {
    const { log, stateAt } = await living(folder, { servers: [] });
    assert.equal(await stateAt(12), 'renew-soon');
    assert.match(log.join('\n'), /NO_SERVER.*licet-agent request/);
  });

  it('names the rules that its report breaks', async () => {
    const errors = [{ pointer: '/from', detail: 'Say the time, too' }];
    const front = createHttpServer((_request, response) => {
      response.writeHead(400).end(JSON.stringify({ code: 'INPUT_INVALID', detail: 'See "errors".', errors }));
    }).listen(0, '127.0.0.1');
    await once(front, 'listening');
    const settings: Settings = { servers: [`http://127.0.0.1:${(front.address() as AddressInfo).port}`] };
    const site = await licensed(folder, settings);
    const reported = report(site, settings, '{"from":"2026-01-01"}', () => NOW);
    await assert.rejects(reported, hasCode('REFUSED', /See "errors"\. \/from: Say the time, too/));
    front.close();
  });

  it('names its clock where that is before a license that was carried to it', async () => {
    const site = await licensed(folder, { servers: [] });
    const pending = await begin(site);
    const keys = { key: enterprise.key, publicKey: publicKeyIn(pending) };
    const answer = bundle(makeSite(enterprise, { keys }), enterprise, organization);
    const clock = hasCode('ANSWER_INVALID', /clock of this machine says 2000-01-01T00:00:00\.000Z: set it right/);
    await assert.rejects(acceptByHand(site, answer, new Date('2000-01-01T00:00:00Z')), clock);
    assert.equal(await acceptByHand(site, answer, NOW), 'accepted');
  });

  it('a server that answers by drops is a server that is away', async () => {
    const slow = createServer((socket) => {
      socket.on('error', () => socket.destroy());
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n');
      const dripping = setInterval(() => socket.write('x'), 20);
      socket.once('close', () => clearInterval(dripping));
    }).listen(0, '127.0.0.1');
    await once(slow, 'listening');
    const url = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/`;
    const asked = call({ method: 'GET', url, trust: 'nobody yet' }, 200);
    await assert.rejects(asked, hasCode('UNAVAILABLE', /no answer within 0\.2 s/));
    slow.close();
  });

  // Whatever the site did to be refused: another request, once it goes on, would look like a clone's.
  for (const [code, stays] of [
    ['LICENSE_SUSPENDED', true],
    ['CONTRACT_SUSPENDED', true],
    ['CLONE_SUSPECTED', true],
    ['KEY_REUSED', false],
    ['CSR_INVALID', false],
    ['PROOF_WRONG', false],
  ] as const) {
    it(`${stays ? 'keeps' : 'gives up'} its request after ${code}`, async () => {
      const front = createHttpServer((_request, response) => {
        response.writeHead(403, { 'X-Licet-Code': code }).end('No.');
      }).listen(0, '127.0.0.1');
      await once(front, 'listening');
      const settings: Settings = { servers: [`http://127.0.0.1:${(front.address() as AddressInfo).port}`] };
      const site = await licensed(folder, settings);
      await assert.rejects(
        renew(site, settings, () => NOW),
        hasCode('REFUSED', /No\./),
      );
      front.close();
      assert.equal((await site.store.pending()) !== undefined, stays);
    });
  }

  const CODE = { 'X-Licet-Code': 'REQUEST_PENDING' };
  for (const [what, status, headers, said] of [
    ['the page of a proxy', 403, { 'Content-Type': 'text/html' }, /no license authority.*403.*Later/],
    [
      'a word of the authority that says when to ask again',
      409,
      { ...CODE, 'Retry-After': '1' },
      /cannot do it now.*Later/,
    ],
  ] as const) {
    it(`takes ${what} for no refusal: its request stays, and is sent again as it was`, async () => {
      const asked: string[] = [];
      const front = createHttpServer((request, response) => {
        let body = '';
        request.on('data', (data) => (body += String(data)));
        request.on('end', () => {
          asked.push(body);
          response.writeHead(status, headers).end('<h1>Later</h1>');
        });
      }).listen(0, '127.0.0.1');
      await once(front, 'listening');
      const settings: Settings = { servers: [`http://127.0.0.1:${(front.address() as AddressInfo).port}`] };
      const site = await licensed(folder, settings);
      const again = () => renew(site, settings, () => NOW);
      for (const _ of [1, 2]) await assert.rejects(again(), hasCode('UNAVAILABLE', said));
      front.close();
      assert.equal(asked.length, 2);
      assert.equal(asked[0], asked[1]);
      assert.notEqual(await site.store.pending(), undefined);
    });
  }
});
