import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { globSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { requireThat, requireTool } from '@licet/checks';
import { bundle, enterprise, NOW, organization, root, site } from '@licet/verify/testing';
import { rolldown } from 'rolldown';
import { pack } from '../pack.ts';

const PROGRAM = `
import { TrustAnchors, verifyLicense } from '@licet/verify';
const anchors = TrustAnchors.fromPem(${JSON.stringify(bundle(root))});
const at = new Date(${NOW.getTime()});
const check = async (license) => (await verifyLicense(license, { anchors, at, product: 'app' }));
const good = await check(${JSON.stringify(bundle(site, enterprise, organization))});
const bad = await check(${JSON.stringify(bundle(site, enterprise))});
const answer = 'licet: ' + good.state + ' ' + good.usable + ' / ' + bad.state + ' ' + bad.codes[0].code;
if (globalThis.document) document.body.textContent = answer; else console.log(answer);
`;

const ANSWER = /licet: valid true \/ invalid CHAIN_INCOMPLETE/;

describe('the verifier as it is published', function () {
  this.timeout(60_000);
  let folder: string;

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'licet-packed-'));
    writeFileSync(join(folder, 'package.json'), '{}');
    // Offline: the file needs nothing from a registry.
    run('npm', ['install', '--offline', '--no-audit', '--no-fund', await pack(folder)]);
    writeFileSync(join(folder, 'program.mjs'), PROGRAM);
  });
  after(() => rmSync(folder, { recursive: true }));

  const run = (command: string, args: string[]) =>
    execFileSync(command, args, { cwd: folder, encoding: 'utf8', timeout: 50_000, stdio: ['ignore', 'pipe', 'pipe'] });

  /** Everything that a program with this text needs, in one file. */
  async function bundled(text: string): Promise<string> {
    const input = join(folder, 'entry.mjs');
    writeFileSync(input, text);
    const build = await rolldown({ input, platform: 'browser' });
    const { output } = await build.generate({ format: 'esm', minify: true });
    return output[0].code;
  }

  it('runs on the oldest Node that it promises', function () {
    const node = oldNode();
    requireThat(this, node === undefined ? ['a Node 20 on PATH'] : []);
    assert.match(run(node!, ['program.mjs']), ANSWER);
    run(node!, ['-e', "import('@licet/verify/node')"]);
  });

  it('can be required by a program that is no ES module', () => {
    const text =
      "console.log(typeof require('@licet/verify').verifyLicense, typeof require('@licet/verify/node').verifySite);";
    writeFileSync(join(folder, 'old.cjs'), text);
    assert.match(run(process.execPath, ['old.cjs']), /function function/);
  });

  it('has types that compilers from before TypeScript 5.7 read', () => {
    const files = globSync('node_modules/@licet/**/*.d.ts', { cwd: folder });
    assert.ok(files.length > 50);
    for (const file of files) assert.doesNotMatch(readFileSync(join(folder, file), 'utf8'), /Uint8Array</, file);
  });

  for (const [runtime, args] of [
    ['deno', ['run', '--no-prompt', '--node-modules-dir=manual', '--allow-env', '--allow-read']],
    ['bun', []],
  ] as const) {
    it(`runs on ${runtime}`, function () {
      requireTool(this, runtime);
      assert.match(run(runtime, [...args, 'program.mjs']), ANSWER);
    });
  }

  it('runs in a browser, with WebCrypto', async function () {
    requireTool(this, 'chromium');
    const page = `<!doctype html><body><script type="module">${await bundled(PROGRAM)}</script>`;
    writeFileSync(join(folder, 'page.html'), page);
    const flags = ['--headless', '--no-sandbox', '--disable-gpu', `--user-data-dir=${join(folder, 'profile')}`];
    const url = `file://${join(folder, 'page.html')}`;
    assert.match(run('chromium', [...flags, '--virtual-time-budget=10000', '--dump-dom', url]), ANSWER);
  });

  it('is small: what verifyLicense needs, minified', async () => {
    const code = await bundled("export { TrustAnchors, verifyLicense } from '@licet/verify';");
    const compressed = gzipSync(code).length;
    const kilobytes = (bytes: number) => `${(bytes / 1000).toFixed(1)} kB`;
    process.stderr.write(
      `      verifyLicense: ${kilobytes(code.length)} minified, ${kilobytes(compressed)} compressed\n`,
    );
    assert.ok(code.length < 115_000 && compressed < 40_000, `${code.length} and ${compressed} bytes`);
  });

  it('is loaded soon', () => {
    const text = "const t = performance.now(); await import('@licet/verify'); console.log(performance.now() - t);";
    writeFileSync(join(folder, 'load.mjs'), text);
    const times = Array.from({ length: 5 }, () => Number(run(process.execPath, ['load.mjs']))).toSorted(
      (a, b) => a - b,
    );
    process.stderr.write(`      import: ${times[0]!.toFixed(1)} ms\n`);
    // A fifth of what separate files took, with room for a busy machine; the figure is what is printed.
    assert.ok(times[0]! < 100, `${times.join(', ')} ms`);
  });
});

/** The machine's own Node, when it is older than the one that runs this. */
function oldNode(): string | undefined {
  for (const folder of (process.env['PATH'] ?? '').split(delimiter)) {
    try {
      const node = join(folder, 'node');
      if (execFileSync(node, ['--version'], { encoding: 'utf8', stdio: 'pipe' }).startsWith('v20.')) return node;
    } catch {
      continue;
    }
  }
  return undefined;
}
