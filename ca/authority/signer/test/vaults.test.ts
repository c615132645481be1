import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Secret } from '../launch.ts';
import { openVault } from '../vaults.ts';
import { withFolder } from './hierarchy.ts';

describe('A vault of files', () => {
  const folder = withFolder();

  for (const way of ['a file', 'the pipe']) {
    for (const [wanted, cost] of [
      [undefined, 2 ** 17],
      [2 ** 10, 2 ** 10],
    ] as const) {
      it(`is sealed with scrypt of N = ${cost} where the launch says ${wanted ?? 'nothing'}, its passphrase from ${way}`, async () => {
        const passphraseFile = join(folder(), 'passphrase');
        writeFileSync(passphraseFile, 'horse');
        const secret: Secret = way === 'a file' ? undefined : { passphrase: Buffer.from('horse') };
        const given = way === 'a file' ? { passphraseFile } : {};
        const vault = { kind: 'file', scryptCost: wanted, ...given } as const;
        await openVault({ folder: folder(), socket: 'socket', vault }, secret, { now: () => new Date() });
        const { kdf } = JSON.parse(readFileSync(join(folder(), 'keys', 'keyring.json'), 'utf8')) as {
          kdf: { cost: number };
        };
        assert.equal(kdf.cost, cost);
      });
    }
  }
});
