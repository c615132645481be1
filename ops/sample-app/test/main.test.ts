import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '@licet/checks';
import { type Claims, encodePem } from '@licet/format';
import { makeEnterprise, makeOrganization, makeRoot, makeSite, type Party, SITE_CLAIMS } from '@licet/verify/testing';

const MAIN = join(import.meta.dirname, '../main.ts');
const DAY_MS = 86_400_000;
const NOW_MS = Math.floor(Date.now() / 1000) * 1000;
const from = (days: number): Date => new Date(NOW_MS + days * DAY_MS);
const pem = (...parties: Party[]): string =>
  parties.map(({ certificate }) => encodePem('CERTIFICATE', certificate)).join('');

describe('npm run sample', function () {
  this.timeout(20_000);
  let folder: string;
  const at = (name: string) => join(folder, name);

  before(function () {
    requireTool(this, 'faketime');
    folder = mkdtempSync(join(tmpdir(), 'licet-sample-'));
    mkdirSync(at('site'));
    const claims: Claims = {
      ...SITE_CLAIMS,
      modes: ['development'],
      features: ['demo', 'demo/export'],
      term: { from: from(-100), to: from(900) },
    };
    const years = { notBefore: from(-2), notAfter: from(900), claims };
    const root = makeRoot({ notBefore: from(-2), notAfter: from(1000) });
    const organization = makeOrganization(root, years);
    const enterprise = makeEnterprise(organization, years);
    const site = makeSite(enterprise, { notBefore: from(-1), notAfter: from(29), claims });
    writeFileSync(at('root.pem'), pem(root));
    writeFileSync(at('site/site.lic'), pem(site, enterprise, organization));
  });
  after(() => folder !== undefined && rmSync(folder, { recursive: true }));

  async function page(days: number): Promise<string> {
    const args = [process.execPath, MAIN, '--root', at('root.pem'), '--site', at('site'), '--port', '0'];
    const child = spawn('faketime', ['-f', `+${days}d`, ...args], {
      stdio: ['ignore', 'pipe', 'inherit'],
      detached: true,
    });
    const ended = new Promise((resolve) => child.once('exit', resolve));
    try {
      const url = await new Promise<string>((resolve, reject) => {
        void ended.then(() => reject(new Error('it ended')));
        child.stdout?.once('data', (line) => resolve(/http:\S+/.exec(String(line))?.[0] ?? ''));
      });
      return await (await fetch(url)).text();
    } finally {
      process.kill(-(child.pid ?? 0)); // faketime waits for what it has started, and hands on no signal
      await ended;
    }
  }

  it('shows a page with the watermark of a license for development', async () => {
    assert.match(await page(0), /class="watermark".*href="\/export"/);
  });

  it('shows a banner once the license has expired, by the clock of the machine', async () => {
    assert.match(await page(31), /role="status"><strong>The license has expired; everything works until/);
  });

  it('says what it needs, and which file it cannot read', () => {
    const run = (...args: string[]) => spawnSync(process.execPath, [MAIN, ...args], { encoding: 'utf8' });
    assert.match(run().stderr, /^usage: /);
    assert.match(run('--root', at('nowhere')).stderr, /^sample: ENOENT.*nowhere/);
  });
});
