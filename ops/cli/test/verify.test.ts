import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { encodePem } from '@licet/format';
import { bundle, days, enterprise, makeCrl, makeSite, NOW, organization, root, site } from '@licet/verify/testing';
import { Command, CommanderError } from 'commander';
import { register as inspect } from '../commands/inspect.ts';
import { register as verify } from '../commands/verify.ts';
import { CliError } from '../io.ts';

describe('licet verify and licet inspect', () => {
  let folder: string;
  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'licet-cli-'));
    await writeFile(join(folder, 'root.pem'), bundle(root));
    await writeFile(join(folder, 'site.lic'), LICENSE);
    await writeFile(join(folder, 'site.der'), site.certificate);
    const lists = [enterprise, organization].map((ca) => encodePem('X509 CRL', makeCrl(ca)));
    await writeFile(join(folder, 'crl.pem'), lists.join(''));
    await writeFile(join(folder, 'crl.der'), makeCrl(enterprise));
    await writeFile(join(folder, 'garbage'), 'no license');
  });
  after(() => rm(folder, { recursive: true }));

  const LICENSE = bundle(site, enterprise, organization);
  const file = (name: string) => join(folder, name);

  async function run(args: string[], more: { env?: Record<string, string>; stdin?: string; now?: Date } = {}) {
    const result = { out: '', err: '', code: -1 };
    const program = new Command().exitOverride().configureOutput({ writeErr: (text) => (result.err += text) });
    const io = {
      out: (text: string) => void (result.out += `${text}\n`),
      err: (text: string) => void (result.err += `${text}\n`),
      stdin: Readable.from([more.stdin ?? '']),
      // Nothing of the machine that runs the tests may be found.
      env: { XDG_CONFIG_HOME: file('none'), LICET_AGENT_SOCKET: file('none.sock'), ...more.env },
      now: () => more.now ?? NOW,
      exit: (code: number) => void (result.code = code),
    };
    verify(program, io);
    inspect(program, io);
    for (const command of program.commands) command.exitOverride();
    try {
      await program.parseAsync(args, { from: 'user' });
    } catch (error) {
      if (error instanceof CliError) result.code = error.exitCode;
      else if (error instanceof CommanderError) result.code = 64;
      else throw error;
      result.err += error.message;
    }
    return result;
  }

  it('tells a person what is allowed and until when, and exits 0', async () => {
    const { out, code } = await run(['verify', file('site.lic'), '--anchor', file('root.pem')]);
    assert.equal(code, 0);
    assert.match(out, /^Usable: valid\n/);
    assert.match(out, /license:\/\/globex\.acme\/plant-7/);
    assert.match(out, /Expires 2026-07-05T12:00:00\.000Z, works until 2026-07-19T12:00:00\.000Z/);
    assert.match(out, /At most 10 nodes per site; more is refused\./);
  });

  it('says why not, and exits 1', async () => {
    const asked = ['--feature', 'app/teleport', '--limit', 'nodes=11', '--mode', 'recovery', '--tier', '40'];
    const { out, code } = await run(['verify', file('site.lic'), '--anchor', file('root.pem'), ...asked]);
    assert.equal(code, 1);
    assert.match(out, /^Not usable: insufficient/);
    for (const reason of ['FEATURE_MISSING', 'LIMIT_EXCEEDED', 'MODE_MISMATCH', 'TIER_TOO_LOW']) {
      assert.match(out, new RegExp(`error +${reason}: `));
    }
    const late = await run(['verify', file('site.lic'), '--anchor', file('root.pem'), '--at', '2026-09-01T00:00:00Z']);
    assert.equal(late.code, 1);
    assert.match(late.out, /EXPIRED/);
  });

  it('gives programs the whole verdict', async () => {
    const args = ['verify', file('site.lic'), '--anchor', file('root.pem'), '--json', '--crl', file('crl.pem')];
    const { out, code } = await run(args);
    const verdict = JSON.parse(out);
    assert.equal(code, 0);
    assert.deepEqual(
      [verdict.usable, verdict.state, verdict.mode, verdict.expiresAt, verdict.evidence.kind],
      [true, 'valid', 'production', days(20).toISOString(), 'crl'],
    );
    assert.equal(verdict.attempts[0].outcome, 'used');
  });

  it('finds the license by itself, and shows where it looked', async () => {
    const env = { LICET_LICENSE: LICENSE, LICET_ANCHORS: file('root.pem') };
    const { out, code } = await run(['verify', '--explain'], { env });
    assert.equal(code, 0);
    assert.match(out, /1\. option: .*: absent, not set\n +2\. environment: LICET_LICENSE \(text\): used/);
  });

  it('takes a license from a pipe', async () => {
    assert.equal((await run(['verify', '-', '--anchor', file('root.pem')], { stdin: LICENSE })).code, 0);
  });

  it('exits 2 when it cannot tell', async () => {
    assert.equal((await run(['verify', file('missing'), '--anchor', file('root.pem')])).code, 2);
    assert.equal((await run(['verify', file('site.lic')])).code, 2);
    assert.equal((await run(['verify', file('site.lic'), '--anchor', file('garbage')])).code, 2);
    assert.equal((await run(['verify', file('site.lic'), '--anchor', file('missing')])).code, 2);
  });

  it('exits 1 for what is no license', async () => {
    const { out, code } = await run(['verify', file('garbage'), '--anchor', file('root.pem')]);
    assert.equal(code, 1);
    assert.match(out, /MALFORMED/);
  });

  it('exits 64 for a command line that is wrong', async () => {
    const good = ['verify', file('site.lic'), '--anchor', file('root.pem')];
    for (const wrong of [['--tier', 'gold'], ['--mode', 'test'], ['--limit', 'nodes'], ['--at', 'now'], ['--wrong']]) {
      assert.equal((await run([...good, ...wrong])).code, 64, wrong.join(' '));
    }
  });

  it('shows what stands in each file, with the claims in words', async () => {
    const { out, code } = await run(['inspect', file('site.lic')]);
    assert.equal(code, 0);
    assert.match(out, /^License of /);
    assert.match(out, /CA certificate of [^\n]*globex/);
    assert.match(out, /names: uri:license:\/\/globex\.acme\/plant-7/);
    assert.match(out, /Features: app, app\/export, app\/sso, base\./);
    assert.match((await run(['inspect', file('site.der')])).out, /^License of /);
    assert.match((await run(['inspect', file('crl.pem')])).out, /^CRL of [^\n]*, number 1\n/);
    assert.match((await run(['inspect', file('crl.der')])).out, /^CRL of /);
    assert.equal((await run(['inspect', file('garbage')])).code, 2);
    assert.equal((await run(['inspect', file('missing')])).code, 66);
  });

  it('does not let a certificate write on the terminal', async () => {
    const escape = makeSite(enterprise, { subject: [['commonName', 'a\u001B[2Jb\u202E']] });
    const { out } = await run(['inspect', '-'], { stdin: bundle(escape) });
    assert.deepEqual([out.includes('\u001B'), out.includes('\u202E')], [false, false]);
  });
});
