import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { createServer as createHttpServer } from 'node:http';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireThat } from '@licet/checks';
import { bundle, days, enterprise, makeSite, NOW, organization, root, SITE_CLAIMS } from '@licet/verify/testing';
import { Agent } from '../agent.ts';
import { renew } from '../enrol.ts';
import { call } from '../http.ts';
import type { Settings } from '../settings.ts';
import { openSite, type Site } from '../site.ts';

const hasCode = (code: string, words: RegExp) => (error: unknown) => {
  const { code: found, message } = error as { code: string; message: string };
  assert.equal(found, code, message);
  assert.match(message, words);
  return true;
};

describe('A site that lives on', function () {
  this.timeout(20_000);
  let base: string;
  let folder: string;
  before(() => {
    base = mkdtempSync(join(tmpdir(), 'licet-living-'));
  });
  beforeEach(() => {
    folder = mkdtempSync(join(base, 'site-'));
  });
  after(() => rmSync(base, { recursive: true, force: true }));

  const issued = makeSite(enterprise, { claims: { ...SITE_CLAIMS, sequence: 1 } });
  const LICENSE = {
    key: issued.key.export({ type: 'pkcs8', format: 'pem' }).toString(),
    license: bundle(issued, enterprise, organization),
  };
  /** Nobody listens there. */
  const AWAY: Settings = { servers: ['https://localhost:9'], proxy: 'http://127.0.0.1:9' };

  async function licensed(path: string, settings: Settings = AWAY): Promise<Site> {
    const site = await openSite(path, settings);
    writeFileSync(join(path, 'root.pem'), bundle(root));
    writeFileSync(join(path, 'agent.json'), JSON.stringify(settings));
    await site.store.install(LICENSE);
    return site;
  }

  async function living(settings: Settings = AWAY) {
    const site = await licensed(folder, settings);
    const time = { now: NOW };
    const log: string[] = [];
    const world = {
      now: () => time.now,
      chance: () => 0,
      log: (line: string) => void log.push(line),
      claimFolder: () => Promise.resolve(),
      renewed: () => Promise.resolve(),
    };
    const agent = new Agent(site, settings, world);
    const stateAt = async (day: number): Promise<string | undefined> => {
      time.now = days(day);
      await agent.tick();
      return agent.verdict?.state;
    };
    return { site, agent, log, stateAt };
  }

  it('goes through its states as the page of the agent has them, without an authority', async () => {
    const { stateAt } = await living();
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
      const { agent, log, stateAt } = await living();
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
    const { agent, stateAt } = await living();
    await stateAt(0);
    await stateAt(-15);
    assert.ok(
      agent.verdict?.codes.some(({ code }) => code === 'CLOCK_ROLLBACK'),
      JSON.stringify(agent.verdict?.codes),
    );
    assert.equal(await stateAt(0), 'valid');
  });

  it('without a server it asks nobody, and says how to go on when it is time', async () => {
    const { log, stateAt } = await living({ servers: [] });
    assert.equal(await stateAt(12), 'renew-soon');
    assert.match(log.join('\n'), /NO_SERVER.*licet-agent request/);
  });

  describe('on a bad disk', () => {
    let disk: string;
    let mounted = false;
    beforeEach(function () {
      disk = join(folder, 'disk');
      mkdirSync(disk);
      const size = ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', disk];
      mounted = spawnSync('mount', size).status === 0;
      requireThat(this, mounted ? [] : ['the right to mount a small disk (root)']);
    });
    afterEach(() => {
      if (mounted) spawnSync('umount', [disk]);
    });
    const fill = () => {
      const ballast = join(disk, 'ballast');
      writeFileSync(ballast, '');
      for (let size = 4096; ; size += 4096) {
        try {
          writeFileSync(ballast, Buffer.alloc(size));
        } catch {
          return ballast;
        }
      }
    };
    const isSame = async ({ store }: Site) => assert.deepEqual(await store.current(), LICENSE);

    it('that is full, it keeps its license, goes on answering, and says it once', async () => {
      folder = disk;
      const { site, agent, log, stateAt } = await living();
      const ballast = fill();
      await assert.rejects(
        renew(site, AWAY, () => NOW),
        hasCode('DISK_FULL', /no room.*stays as it is/),
      );
      await isSame(site);
      assert.equal(await stateAt(0), 'valid');
      assert.equal(await stateAt(0), 'valid');
      assert.equal(log.filter((line) => line.includes('no room')).length, 1, log.join('\n'));
      rmSync(ballast);
      await stateAt(1);
      assert.equal(agent.verdict?.usable, true);
      assert.ok(readFileSync(join(disk, 'high-water.json'), 'utf8').length > 0);
    });

    it('that is read-only, too', async () => {
      folder = disk;
      const { site, log, stateAt } = await living();
      assert.equal(spawnSync('mount', ['-o', 'remount,ro', disk]).status, 0);
      await assert.rejects(
        renew(site, AWAY, () => NOW),
        hasCode('FOLDER_READ_ONLY', /cannot be written/),
      );
      await isSame(site);
      assert.equal(await stateAt(0), 'valid');
      assert.equal(await stateAt(12), 'renew-soon');
      assert.ok(log.some((line) => line.includes('cannot be written')));
    });

    it('that is read-only from the start on, after a crash, it tells all the same what there is', async () => {
      await (await licensed(disk)).close();
      mkdirSync(join(disk, 'pending.0123.tmp'));
      assert.equal(spawnSync('mount', ['-o', 'remount,ro', disk]).status, 0);
      const agent = (...args: string[]) =>
        spawnSync(process.execPath, [join(import.meta.dirname, '../licet-agent.js'), ...args, '--folder', disk], {
          encoding: 'utf8',
          timeout: 5000,
        });
      assert.match(agent('status').stdout, /^license:\/\/globex\.acme\/plant-7: /);
      const { stdout, stderr } = agent('run');
      assert.match(stdout, /cannot be written: correct its rights[^]*the license is restricted/, stderr);
    });
  });

  describe('with damaged files', () => {
    it('an empty key is said to be the trouble', async () => {
      const site = await licensed(folder);
      truncateSync(join(folder, 'current', 'site.key'), 0);
      await assert.rejects(
        renew(site, AWAY, () => NOW),
        hasCode('STATE_DAMAGED', /site\.key/),
      );
    });
    it('so is half a license', async () => {
      const site = await licensed(folder);
      truncateSync(join(folder, 'current', 'site.lic'), 500);
      await assert.rejects(
        renew(site, AWAY, () => NOW),
        hasCode('LICENSE_INVALID', /license file/),
      );
    });
    it('a mark that is no mark, and half of a request that never was sent, are nothing', async () => {
      writeFileSync(join(folder, 'high-water.json'), '{"time":');
      mkdirSync(join(folder, 'pending.0123.tmp'), { recursive: true });
      const { site, stateAt } = await living();
      assert.equal(await stateAt(0), 'valid');
      assert.equal(await site.store.pending(), undefined);
    });
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
