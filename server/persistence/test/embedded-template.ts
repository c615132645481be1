import { createHash, randomBytes } from 'node:crypto';
import { cpSync } from 'node:fs';
import { access, mkdtemp, readFile, rename, rm } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { openDatabase } from '../database.ts';
import { migrations } from '../migrations/index.ts';
import { statementsOf } from '../migrations/migration.ts';
import { testDependencies } from './dependencies.ts';

const CACHE = fileURLToPath(new URL('../../../node_modules/.cache/', import.meta.url));

/** A folder with a migrated embedded database that was closed cleanly: initdb takes seconds, a copy of it milliseconds. */
export async function copyOfTemplate(into?: string): Promise<string> {
  const folder = into ?? (await mkdtemp(join(tmpdir(), 'licet-test-embedded-')));
  // Synchronous, because that is native: a thousand small files take a fifth of the time.
  cpSync(await template(), folder, { recursive: true });
  return folder;
}

let made: Promise<string> | undefined;

function template(): Promise<string> {
  made ??= findOrMake();
  return made;
}

/** Kept between runs under the hash of what went into it. */
async function findOrMake(): Promise<string> {
  const pglite = createRequire(import.meta.url).resolve('@electric-sql/pglite');
  const engine = await readFile(join(pglite, '../../package.json'), 'utf8');
  const hash = createHash('sha256').update(engine);
  for (const file of ['pglite', 'folder'])
    hash.update(await readFile(new URL(`../embedded/${file}.ts`, import.meta.url)));
  for (const migration of migrations) hash.update([migration.name, ...(await statementsOf(migration))].join(';'));
  const path = join(CACHE, `licet-embedded-${hash.digest('hex').slice(0, 16)}`);
  if (await there(path)) return path;
  const fresh = `${path}.${randomBytes(4).toString('hex')}`;
  await (await openDatabase({ host: 'embedded', folder: fresh }, testDependencies())).close();
  try {
    await rename(fresh, path);
  } catch (error) {
    // Another test process was faster; its template is as good.
    await rm(fresh, { recursive: true });
    if (!(await there(path))) throw error;
  }
  return path;
}

async function there(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
