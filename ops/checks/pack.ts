import { spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const ROOT = join(import.meta.dirname, '../..');
const PACKAGES = ['format', 'verify'] as const;

type Manifest = { exports: Record<string, string>; [field: string]: unknown };

/**
 * Writes what is published, `@licet/format` and `@licet/verify` as JavaScript with types for Node 20 and everything
 * else, below `<out>/node_modules`, so that a program in `<out>` can import them.
 */
export async function pack(out: string): Promise<void> {
  const emitted = mkdtempSync(join(ROOT, 'node_modules', '.pack-'));
  try {
    compile(emitted);
    for (const name of PACKAGES) {
      const target = join(out, 'node_modules', '@licet', name);
      mkdirSync(target, { recursive: true });
      const manifest = publishedManifest(name);
      cpSync(join(emitted, name), target, { recursive: true, filter: (file) => !file.endsWith('.js') });
      await bundle(join(emitted, name), Object.values(manifest.exports), target);
      const readme = join(ROOT, 'ca', name, 'README.md');
      if (existsSync(readme)) cpSync(readme, join(target, 'README.md'));
      writeFileSync(join(target, 'package.json'), `${JSON.stringify(manifest, undefined, 2)}\n`);
    }
  } finally {
    rmSync(emitted, { recursive: true });
  }
}

function compile(outDir: string): void {
  const config = join(outDir, 'tsconfig.json');
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
  const out = process.argv[2] ?? join(ROOT, 'dist');
  await pack(out);
  process.stdout.write(`Packed into ${out}\n`);
}
