import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createServer as createHttpServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { requireThat } from '@licet/checks';
import { decodeCertificate, decodeCertificationRequest, decodePem } from '@licet/format';
import { bundle, enterprise, makeCrl, makeSite, NOW, organization, root } from '@licet/verify/testing';
import { acceptByHand, requestByHand } from '../by-hand.ts';
import { renew } from '../enrol.ts';
import { diskError, readError } from '../errors.ts';
import { askForCrl } from '../evidence-crl.ts';
import { call, type HttpCall } from '../http.ts';
import { openSite, type Site } from '../site.ts';
import { AWAY, hasCode, issued, LICENSE, licensed, living, siteFolders } from './living-site.ts';

const crash = () => Promise.reject(new Error('the power is gone'));

describe('A site with a bad folder', function () {
  this.timeout(20_000);
  let folder: string;
  const newFolder = siteFolders();
  beforeEach(() => void (folder = newFolder()));

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
      const { site, agent, log, stateAt } = await living(folder);
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

    it('that has room for half of it, it takes a new license as a whole and tells of it, or keeps what it has', async () => {
      const { store, folder: kept } = await licensed(disk);
      const installed = () => readFileSync(kept.file('installed'), 'utf8');
      const seen = new Set<string>();
      for (let pages = 0; pages < 8; pages++) {
        rmSync(fill());
        const ballast = fill();
        truncateSync(ballast, statSync(ballast).size - 4096 * pages);
        const before = await store.current();
        const next = { key: `key ${pages}`, license: `license ${pages}` };
        const how = await store.install(next).then(
          () => 'taken',
          ({ code }: { code: string }) => code,
        );
        assert.deepEqual(await store.current(), how === 'taken' ? next : before, `${pages} pages: ${how}`);
        assert.equal(installed(), readlinkSync(kept.file('current')), `${pages} pages: ${how}`);
        seen.add(how);
      }
      assert.deepEqual([...seen], ['DISK_FULL', 'taken']);
    });

    it('that is read-only, too', async () => {
      folder = disk;
      const { site, log, stateAt } = await living(folder);
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

    const agentOn = (...args: string[]) =>
      spawnSync(process.execPath, [join(import.meta.dirname, '../licet-agent.js'), ...args, '--folder', disk], {
        encoding: 'utf8',
        timeout: 5000,
      });

    it('that is full from the start on, it tells all the same what there is, and why it is not renewed', async () => {
      await (await licensed(disk)).close();
      fill();
      const { stdout, stderr } = agentOn('run');
      assert.match(stdout, /the license is restricted/, stderr);
      assert.match(agentOn('renew').stderr, /There is no room .*\[DISK_FULL\]\n$/);
      assert.deepEqual(
        readdirSync(disk).filter((name) => name.startsWith('lock')),
        ['lock'],
      );
    });

    it('that is read-only from the start on, after a crash, it tells all the same what there is', async () => {
      await (await licensed(disk)).close();
      mkdirSync(join(disk, 'pending.0123.tmp'));
      assert.equal(spawnSync('mount', ['-o', 'remount,ro', disk]).status, 0);
      assert.match(agentOn('status').stdout, /^license:\/\/globex\.acme\/plant-7: /);
      const { stdout, stderr } = agentOn('run');
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
      const { site, stateAt } = await living(folder);
      assert.equal(await stateAt(0), 'valid');
      assert.equal(await site.store.pending(), undefined);
    });
  });

  it('a copy in which links became folders is not taken for a site without a license', async () => {
    await licensed(folder);
    const copied = `${folder}-copied`;
    spawnSync('cp', ['-rL', folder, copied]);
    const site = await openSite(copied, AWAY);
    await assert.rejects(site.store.current(), hasCode('STATE_DAMAGED', /current is no link .* keeps links/));
    const first = { root: undefined, name: undefined };
    await assert.rejects(requestByHand(site, AWAY, first), hasCode('STATE_DAMAGED', /current is no link/));
  });

  it('names a disk that fails, and takes that for no defect', async () => {
    const failing = Object.assign(new Error('EIO: i/o error, fsync'), { code: 'EIO' });
    hasCode('DISK_FAILED', /does not take \/site\/root\.pem.*stays as it is/)(diskError('/site/root.pem', failing));
    // Nothing is mapped at its beginning.
    const read = readFile('/proc/self/mem').catch((error: unknown) => Promise.reject(readError(error) as Error));
    await assert.rejects(read, hasCode('NO_INPUT', /cannot be read/));
  });

  for (const way of ['carried again', 'not carried again'] as const) {
    it(`begins a new request after a crash between a license and the end of its request, ${way}`, async () => {
      const { site } = await living(folder);
      const settings = { servers: [] };
      const first = { root: undefined, name: undefined };
      const ask = async () => decodePem(await requestByHand(site, settings, first), 'CERTIFICATE REQUEST')[0]!.bytes;
      const asked = await ask();
      const keys = { key: enterprise.key, publicKey: decodeCertificationRequest(asked).publicKey.raw };
      const answer = bundle(makeSite(enterprise, { keys }), enterprise, organization);
      Object.defineProperty(site.store, 'dropPending', { value: crash, configurable: true });
      await assert.rejects(acceptByHand(site, answer, NOW), /the power is gone/);
      Reflect.deleteProperty(site.store, 'dropPending');
      assert.equal((await site.store.current())?.license, answer);
      if (way === 'carried again') assert.equal(await acceptByHand(site, answer, NOW), 'in use already');
      assert.equal((await site.store.pending()) === undefined, way === 'carried again');
      assert.notDeepEqual(await ask(), asked);
    });
  }

  it('goes on while files are missing or damaged that it lives by, says so once, and is well as soon as they are back', async () => {
    const { agent, log, stateAt } = await living(folder);
    assert.equal(await stateAt(0), 'valid');
    rmSync(join(folder, 'root.pem'));
    assert.equal(await stateAt(0), undefined);
    assert.equal(await stateAt(0), undefined);
    assert.equal(log.filter((line) => /looking at the license has failed.*root\.pem is missing/.test(line)).length, 1);
    writeFileSync(join(folder, 'root.pem'), bundle(root));
    assert.equal(await stateAt(0), 'valid');
    truncateSync(join(folder, 'current', 'site.lic'), 500);
    await stateAt(0);
    assert.match(log.at(-1) ?? '', /license file cannot be read/);
    writeFileSync(join(folder, 'current', 'site.lic'), LICENSE.license);
    assert.equal(await stateAt(12), 'renew-soon');
    assert.equal(agent.verdict?.usable, true);
    assert.ok(log.some((line) => line.startsWith('not renewed (UNAVAILABLE)')));
  });

  it('is worth what its license is while the token of its key is away', async () => {
    const pkcs11 = { library: '/nowhere/token.so', token: 'site', pinFile: '/nowhere/pin' };
    const { log, stateAt } = await living(folder, { ...AWAY, pkcs11 });
    assert.equal(await stateAt(0), 'valid');
    assert.equal(await stateAt(12), 'renew-soon');
    assert.match(log.join('\n'), /not renewed \(NO_INPUT\).*\/nowhere\/pin cannot be read/);
  });

  it('goes on when nobody reads any more what it tells', async () => {
    const metrics = join(folder, 'licet.prom');
    await (await licensed(folder, { ...AWAY, metrics })).close();
    const program = [join(import.meta.dirname, '../licet-agent.js'), 'run', '--folder', folder];
    const agent = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] });
    agent.stdout.destroy();
    for (let tries = 0; !existsSync(metrics) && agent.exitCode === null; tries++) {
      assert.ok(tries < 500);
      await pause(20);
    }
    agent.kill('SIGTERM');
    assert.deepEqual(await once(agent, 'close'), [0, null]);
  });

  it('takes a new CRL in the place of one that is damaged', async () => {
    const crl = makeCrl(enterprise);
    const front = createHttpServer((_request, response) => void response.end(crl)).listen(0, '127.0.0.1');
    await once(front, 'listening');
    const url = `http://127.0.0.1:${(front.address() as AddressInfo).port}/`;
    const { folder: kept } = await licensed(folder);
    const certificate = decodeCertificate(issued.certificate);
    const ask = (asked: Pick<HttpCall, 'method' | 'url'>) => call({ ...asked, trust: 'nobody yet' });
    const question = {
      folder: kept,
      certificate,
      issuer: decodeCertificate(enterprise.certificate),
      at: NOW,
      url,
      ask,
    };
    assert.deepEqual(await askForCrl(question), { url, result: 'kept' });
    const [name = ''] = readdirSync(join(folder, 'evidence'));
    truncateSync(join(folder, 'evidence', name), 20);
    assert.deepEqual(await askForCrl(question), { url, result: 'kept' });
    front.close();
    assert.deepEqual((await kept.evidence()).crls, [Buffer.from(crl)]);
  });
});
