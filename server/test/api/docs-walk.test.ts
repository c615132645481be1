import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { createHash, X509Certificate } from 'node:crypto';
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '@licet/checks';
import { openWorld, type World } from '../est/world.ts';

const LICET = join(import.meta.dirname, '../../../ops/cli/licet.js');

/** The commands of a page under a heading, as a reader would copy them. */
function commandsOf(page: string, heading: string): string {
  const text = readFileSync(new URL(`../../../docs/${page}`, import.meta.url), 'utf8');
  const [, block] = new RegExp(`^## ${heading}\\n[^]*?\`\`\`sh\\n([^]*?)\`\`\``, 'm').exec(text) ?? [];
  assert.ok(block !== undefined, `${page} has no commands under "${heading}"`);
  return block;
}

describe('The walks of the documentation, as they are written', function () {
  // Each command is a process of its own.
  this.timeout(60_000);
  let world: World;
  let folder: string;

  before(async function () {
    requireTool(this, 'openssl', 'curl', 'jq', 'bash');
    world = await openWorld(this);
    folder = mkdtempSync(join(tmpdir(), 'licet-walk-'));
    writeFileSync(join(folder, 'root.pem'), readFileSync(world.at('root.pem')));
    writeFileSync(join(folder, 'licet'), `#!/bin/sh\nexec '${process.execPath}' '${LICET}' "$@"\n`);
    chmodSync(join(folder, 'licet'), 0o755);
  });
  after(async () => {
    await world?.close();
    if (folder !== undefined) rmSync(folder, { recursive: true });
  });

  function shell(
    script: string,
    more: Record<string, string> = {},
  ): Promise<{ code: number; out: string; err: string }> {
    const env = {
      PATH: `${folder}:${process.env['PATH'] ?? ''}`,
      LICET_CONTEXTS: join(folder, 'contexts.json'),
      ...more,
    };
    const args = ['--norc', '-eu', '-o', 'pipefail', '-c', script];
    return new Promise((resolve) => {
      execFile('bash', args, { cwd: folder, env }, (error, out, err) => {
        resolve({ code: error === null ? 0 : Number(error.code), out, err });
      });
    });
  }

  async function walks(script: string, env?: Record<string, string>): Promise<string> {
    const { code, out, err } = await shell(script, env);
    assert.equal(code, 0, `${out}\n${err}`);
    return out;
  }

  it('docs/api.md, with curl', async () => {
    await walks(commandsOf('api.md', 'A walk'), { LICET: world.base, TOKEN: world.apiToken });
  });

  it('docs/cli.md, with licet: trusts a server by the fingerprint of its root alone', async () => {
    const wrong = await shell(`licet bootstrap ${world.base} --fingerprint ${'0'.repeat(64)}`);
    assert.deepEqual([wrong.code, /FINGERPRINT_MISMATCH/.test(wrong.err)], [1, true], wrong.err);
    const untrusted = await shell('licet site list', { LICET_URL: world.base, LICET_TOKEN: world.apiToken });
    assert.deepEqual([untrusted.code, /licet bootstrap/.test(untrusted.err)], [2, true], untrusted.err);
    const root = new X509Certificate(readFileSync(join(folder, 'root.pem')));
    const fingerprint = createHash('sha256').update(root.raw).digest('hex');
    writeFileSync(join(folder, 'token.txt'), `${world.apiToken}\n`);
    const [bootstrap = '', token = ''] = commandsOf('cli.md', 'Servers').split('\n');
    await walks(bootstrap.replace('https://licet.example', world.base).replace('9f86d081…', fingerprint));
    const before = await shell('licet site list');
    assert.deepEqual([before.code, /NOT_AUTHENTICATED/.test(before.err)], [77, true], before.err);
    await walks(token);
    assert.match(await walks('licet context list'), /^\* localhost {2}https:\/\/localhost:/);
  });

  it('docs/cli.md, with licet', async () => {
    await walks(commandsOf('cli.md', 'A walk'));
  });

  it('docs/cli.md, in bulk: what is exported is imported, in a dry run first', async () => {
    writeFileSync(join(folder, 'new.csv'), '\uFEFFslug,name\r\nbulk-1,"Bulk, 1"\r\nNOT A SLUG,Bulk 2\r\n');
    const tried = await shell('licet enterprise import new.csv --dry-run');
    assert.deepEqual([tried.code, /line 3: .*\[INPUT_INVALID\]/.test(tried.out)], [65, true], tried.err);
    const refused = await shell('licet enterprise import new.csv');
    assert.deepEqual([refused.code, /--partial/.test(refused.err)], [65, true]);
    assert.match(await walks('licet enterprise import new.csv --partial'), /1 created, 1 refused/);
    assert.match(await walks('licet enterprise export'), /^slug,name,status[^]*bulk-1,"Bulk, 1",active\r\n/);
    await walks('licet enterprise export --format jsonl --out all.jsonl');
    const again = await shell('licet enterprise import all.jsonl --dry-run');
    assert.match(again.out, /\[ENTERPRISE_EXISTS\][^]*0 would be created/);
  });

  it('what the audit log says of it: found by subject, and whole', async () => {
    assert.match(await walks('licet audit check'), /^\d+ rows are good\. It ends with row/);
    const found = await walks('licet audit list --action enterprise.created --json | jq ".items | length"');
    assert.ok(Number(found) >= 3, found);
  });

  it('completion, in bash: commands, and the options of each', async () => {
    const complete = (...words: string[]) =>
      walks(`source <(licet completion bash)
        COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')}); COMP_CWORD=${words.length - 1}
        _licet || true; printf '%s\\n' "\${COMPREPLY[@]}"`);
    assert.match(await complete('licet', 'ent'), /^enterprise$/m);
    assert.match(await complete('licet', 'site', 're'), /^reinstate\nretire$/m);
    assert.match(await complete('licet', 'site', 'create', '--na'), /^--name$/m);
  });
});
