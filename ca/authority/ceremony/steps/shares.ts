import { mkdir, readdir, readFile } from 'node:fs/promises';
import { dirname, join, relative, resolve } from 'node:path';
import { writeDurably } from '../../keys/durable-file.ts';
import { listKeyFiles, rewrapSigner } from '../../keys/offline.ts';
import { createShares } from '../../keys/shares.ts';
import { openSigner } from '../../signer/open.ts';
import type { ConfigOf } from '../config/index.ts';
import { handOut, shareWords, SIGNER_FOLDER } from '../root-key.ts';
import { putTogether } from '../unlock.ts';
import type { Plan, Setting } from './plan.ts';

/**
 * Other shares of the same key, in other hands. The signer's folder is sealed anew as a copy, so that until the very end
 * the shares and the folder of before are what they were: whoever is interrupted has lost nothing.
 */
export async function planShares(config: ConfigOf<'shares'>, { base, room }: Setting): Promise<Plan> {
  const { signer, shares } = config;
  const from = resolve(base, signer.folder);
  const keys = await listKeyFiles(from);
  return {
    lines: [
      `${SIGNER_FOLDER}/: a copy of ${signer.folder}, with the journal, its keys encrypted anew`,
      ...keys.map(({ id, purpose, algorithm, organization }) => `  ${id}: ${algorithm}, ${purpose} of ${organization}`),
      ...shareWords(shares),
      `the shares of before open no more than ${signer.folder} and its copies, which are to be destroyed`,
    ],
    async perform(sitting) {
      const folder = join(sitting.folder, SIGNER_FOLDER);
      const wrappingKey = await putTogether(sitting, base, signer.shares);
      const keysOf = () => ({ wrappingKey: Uint8Array.from(wrappingKey) });
      const before = await openSigner({ folder: from, clock: room.clock, keys: keysOf() });
      try {
        await sitting.noteJournal(before, signer.folder, 'before');
        await copyDurably(from, folder);
      } finally {
        await before.close();
      }
      const set = await createShares(shares.needed, shares.custodians.length);
      const newUnlock = { wrappingKey: Uint8Array.from(set.wrappingKey) };
      const moved = await rewrapSigner({ folder, unlock: { wrappingKey }, newUnlock, clock: room.clock });
      for (const key of [wrappingKey, newUnlock.wrappingKey]) key.fill(0);
      sitting.note(`${moved} keys of ${signer.folder} encrypted anew in ${SIGNER_FOLDER}`);
      await handOut(sitting, shares, set, folder);
    },
  };
}

/** The lock of the journal belongs to who holds it. */
async function copyDurably(from: string, to: string): Promise<void> {
  const entries = await readdir(from, { recursive: true, withFileTypes: true });
  for (const entry of entries.filter((one) => one.isFile() && one.name !== 'lock')) {
    const source = join(entry.parentPath, entry.name);
    const target = join(to, relative(from, source));
    await mkdir(dirname(target), { recursive: true, mode: 0o700 });
    await writeDurably(target, await readFile(source));
  }
}
