import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

const PKCS11JS = 'pkcs11js@2.1.7';
const LIBRARIES = [
  '/usr/lib/softhsm/libsofthsm2.so',
  '/usr/local/lib/softhsm/libsofthsm2.so',
  '/usr/lib64/libsofthsm2.so',
];

export const TOKEN = 'licet-test';
export const PIN = '1234';

export function softHsmLibrary(): string | undefined {
  return LIBRARIES.find((path) => existsSync(path));
}

/**
 * The native package that operators install by themselves: from LICET_PKCS11JS, or built once into the folder for
 * temporary files. undefined: it could not be built here.
 */
export function pkcs11Module(): string | undefined {
  const given = process.env['LICET_PKCS11JS'];
  if (given !== undefined) return given;
  const folder = join(tmpdir(), `licet-${PKCS11JS}`);
  const module = join(folder, 'node_modules/pkcs11js');
  if (!existsSync(join(module, 'build/Release/pkcs11.node'))) {
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'package.json'), '{"private":true}');
    spawnSync('npm', ['install', '--prefix', folder, '--no-audit', '--no-fund', PKCS11JS], { cwd: folder });
  }
  return existsSync(join(module, 'build/Release/pkcs11.node')) ? module : undefined;
}

/** A fresh token in the folder. SoftHSM finds it by the environment, so this process may have one at a time. */
export function createSoftToken(folder: string, pin = PIN): void {
  const tokens = join(folder, 'tokens');
  mkdirSync(tokens, { recursive: true });
  const configuration = join(folder, 'softhsm2.conf');
  writeFileSync(configuration, `directories.tokendir = ${tokens}\nobjectstore.backend = file\nlog.level = ERROR\n`);
  process.env['SOFTHSM2_CONF'] = configuration;
  const made = spawnSync('softhsm2-util', [
    '--init-token',
    '--free',
    '--label',
    TOKEN,
    '--so-pin',
    '0000',
    '--pin',
    pin,
  ]);
  if (made.status !== 0) throw new Error(`softhsm2-util: ${made.stderr.toString()}`);
}
