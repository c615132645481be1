import { execFileSync, spawnSync } from 'node:child_process';
import { cpSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGES = ['format', 'verify'] as const;

type Manifest = { version: string; exports: Record<string, string>; [field: string]: unknown };

/**
 * Writes what is published: `@licet/verify` as JavaScript with types, for Node 20 and everything else, as one file that
 * npm installs and that brings `@licet/format` along. Returns its path.
 */
export async function pack(out: string): Promise<string> {
  const work = mkdtempSync(join(ROOT, 'node_modules', '.pack-'));
  try {
    const emitted = join(work, 'emitted');
    compile(work, emitted);
    const target = join(work, 'verify');
    const { version } = await write('verify', emitted, target, { bundleDependencies: ['@licet/format'] });
    await write('format', emitted, join(target, 'node_modules/@licet/format'));
    mkdirSync(out, { recursive: true });
    execFileSync('npm', ['pack', '--silent', '--pack-destination', resolve(out)], { cwd: target, stdio: 'ignore' });
    return join(resolve(out), `licet-verify-${version}.tgz`);
  } finally {
    rmSync(work, { recursive: true });
  }
}

async function write(name: (typeof PACKAGES)[number], emitted: string, target: string, more = {}): Promise<Manifest> {
  const manifest = { ...publishedManifest(name), ...more };
  cpSync(join(emitted, name), target, { recursive: true, filter: (file) => !file.endsWith('.js') });
  for (const file of globSync('**/*.d.ts', { cwd: target })) forOlderCompilers(join(target, file));
  await bundle(join(emitted, name), Object.values(manifest.exports), target);
  const readme = join(ROOT, 'ca', name, 'README.md');
  if (existsSync(readme)) cpSync(readme, join(target, 'README.md'));
  cpSync(join(ROOT, 'LICENSE'), join(target, 'LICENSE'));
  writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
  return manifest;
}

/** Before TypeScript 5.7 `Uint8Array` had no parameter. This is the same type in either. */
function forOlderCompilers(file: string): void {
  const text = readFileSync(file, 'utf8');
  writeFileSync(file, text.replaceAll('Uint8Array<ArrayBuffer>', 'ReturnType<typeof Uint8Array.of>'));
}

function compile(work: string, outDir: string): void {
  const config = join(work, 'tsconfig.json');
  writeFileSync(
    config,
    JSON.stringify({
      extends: join(ROOT, 'tsconfig.json'),
      compilerOptions: {
        noEmit: false,
        declaration: true,
        outDir,
        rootDir: join(ROOT, 'ca'),
        types: ['node'],
        // Node 20 knows no `await using`.
        target: 'es2023',
        lib: ['es2024', 'esnext.disposable'],
        allowImportingTsExtensions: false,
      },
      include: PACKAGES.map((name) => join(ROOT, 'ca', name, '**/*.ts')),
      exclude: [join(ROOT, 'ca/**/test/**')],
    }),
  );
  const tsc = join(ROOT, 'node_modules/.bin/tsc');
  const { status, stdout, stderr } = spawnSync(tsc, ['-p', config], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`tsc does not emit the packages:\n${stdout}${stderr}`);
}

/** One file for each entry and one for what they share: to load a hundred small files takes longer than to run them. */
async function bundle(from: string, entries: readonly string[], target: string): Promise<void> {
  const input = Object.fromEntries(entries.map((entry) => [entry.replace(/^\.\/|\.js$/g, ''), join(from, entry)]));
  const build = await rolldown({ input, platform: 'neutral', external: [/^@licet\//, /^node:/] });
  await build.write({ dir: target, format: 'esm', entryFileNames: '[name].js', chunkFileNames: 'shared.js' });
  await build.close();
}

function publishedManifest(name: string): Manifest {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'ca', name, 'package.json'), 'utf8')) as Manifest;
  const published = Object.entries(manifest.exports).filter(([, file]) => !file.includes('/test/'));
  const exports = Object.fromEntries(published.map(([path, file]) => [path, file.replace(/\.ts$/, '.js')]));
  return { ...manifest, exports, sideEffects: false };
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  process.stdout.write(`${await pack(process.argv[2] ?? join(ROOT, 'dist'))}\n`);
}
