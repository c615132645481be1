import assert from 'node:assert/strict';
import { execFile, execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { requireTool } from '@licet/checks';
import { decodePem, encodePem } from '@licet/format';
import { CATALOG, TERMS } from './shop.ts';
import { openWorld, type World } from './world.ts';

const LICET = join(import.meta.dirname, '../../../ops/cli/licet.js');

describe('licet, as a new user walks through it', function () {
  // Each command is a process of its own.
  this.timeout(20_000);
  let world: World;
  let folder: string;
  const ids: Record<string, string> = {};

  before(async function () {
    requireTool(this, 'openssl');
    this.timeout(60_000);
    world = await openWorld(this);
    folder = mkdtempSync(join(tmpdir(), 'licet-cli-walk-'));
  });
  after(async () => {
    await world?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  /** Exit code and what it printed, as a shell sees it. */
  async function licet(...args: readonly string[]): Promise<{ code: number; out: string; err: string }> {
    const env = {
      PATH: process.env['PATH'] ?? '',
      LICET_CONTEXTS: join(folder, 'contexts.json'),
      LICET_URL: world.url,
      LICET_TOKEN: world.owners.acme,
    };
    try {
      const { stdout, stderr } = await promisify(execFile)(process.execPath, [LICET, ...args], { env, cwd: folder });
      return { code: 0, out: stdout, err: stderr };
    } catch (error) {
      const { code, stdout, stderr } = error as { code: number; stdout: string; stderr: string };
      return { code, out: stdout, err: stderr };
    }
  }

  async function json(...args: readonly string[]): Promise<{ id: string } & Record<string, unknown>> {
    const { code, out, err } = await licet(...args, '--json');
    assert.equal(code, 0, `licet ${args.join(' ')}: ${err}`);
    return JSON.parse(out) as { id: string };
  }

  it('sells a contract', async () => {
    await json('product', 'create', '--code', 'press', '--name', 'Press', '--catalog', JSON.stringify(CATALOG));
    ids['enterprise'] = (await json('enterprise', 'create', '--slug', 'globex', '--name', 'Globex')).id;
    const year = new Date().getUTCFullYear();
    const term = { firstDay: `${year}-01-01`, lastDay: `${year + 1}-12-31`, timeZone: 'Europe/Berlin' };
    const body = { number: 'C-1', term, terms: { ...TERMS, features: ['press', 'press/remote'] } };
    writeFileSync(join(folder, 'contract.json'), JSON.stringify(body));
    const made = await json('contract', 'create', '--enterprise', ids['enterprise'], '--data', 'contract.json');
    ids['contract'] = made.id;
    await json('contract', 'activate', made.id);
  });

  it('gets a license for a request that openssl made, and verifies it offline', async () => {
    const key = ['req', '-new', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-subj', '/CN=x'];
    execFileSync('openssl', [...key, '-keyout', 'site.key', '-out', 'site.csr'], { cwd: folder, stdio: 'pipe' });
    const args = ['--contract', ids['contract']!, '--name', 'plant-1', '--mode', 'development', '--csr', 'site.csr'];
    const created = await json('site', 'create', ...args, '--out', 'site.lic');
    ids['site'] = (created['site'] as { id: string }).id;
    const chain = decodePem(readFileSync(join(folder, 'site.lic'), 'utf8'));
    writeFileSync(join(folder, 'root.pem'), encodePem('CERTIFICATE', chain.at(-1)!.bytes));
    const verified = await licet('verify', 'site.lic', '--anchor', 'root.pem', '--product', 'press');
    assert.equal(verified.code, 0, verified.out + verified.err);
  });

  it('moves it from development to production, and has it validated', async () => {
    await json('site', 'change', ids['site']!, '--mode', 'production', '--out', 'site.lic');
    const verified = await licet('verify', 'site.lic', '--anchor', 'root.pem', '--mode', 'production');
    assert.equal(verified.code, 0, verified.out + verified.err);
    const { verdict } = await json('license', 'validate', '--license', 'site.lic');
    assert.equal((verdict as { usable: boolean }).usable, true, JSON.stringify(verdict));
  });

  it('suspends, reinstates and retires it', async () => {
    for (const [verb, usable] of [
      ['suspend', false],
      ['reinstate', true],
      ['retire', false],
    ] as const) {
      await json('site', verb, ids['site']!, ...(verb === 'retire' ? ['--yes'] : []));
      const { verdict } = await json('license', 'validate', '--license', 'site.lic');
      assert.equal((verdict as { usable: boolean }).usable, usable, verb);
    }
    const again = await licet('site', 'suspend', ids['site']!);
    assert.deepEqual([again.code, /TRANSITION_REFUSED/.test(again.err)], [65, true], again.err);
  });
});
