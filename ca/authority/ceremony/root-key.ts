import { join } from 'node:path';
import { equalBytes } from '@licet/format';
import { IssuerGeneration } from '../issue/issuer-generation.ts';
import { AuthorityError } from '../errors.ts';
import { combineShares, createShares, type ShareSet } from '../keys/shares.ts';
import type { Signer } from '../ports/signer.ts';
import { openSigner } from '../signer/open.ts';
import type { RootKeyChoice, ShareChoice } from './config/index.ts';
import { invalid } from './config/invalid.ts';
import { certifyRoot, type Order, PROFILES } from './desk.ts';
import { draftCertificate, draftKey } from './draft.ts';
import type { Room } from './room.ts';
import type { Sitting } from './sitting.ts';
import { openToken } from './unlock.ts';
import { certificateWords } from './words.ts';

/** The folder of the root's signer in what its ceremony makes. */
export const SIGNER_FOLDER = 'signer';

export type RootSubject = { readonly organization: string; readonly commonName: string };

/** The root to be, and everything around it, in words. */
export async function rootWords(choice: RootKeyChoice, subject: RootSubject, room: Room): Promise<string[]> {
  const key = await draftKey(
    { purpose: 'root', algorithm: choice.algorithm, organization: subject.organization },
    room,
  );
  const order: Order = {
    profile: PROFILES.root,
    issuer: IssuerGeneration.rootToBe(key),
    key: { held: key },
    subject,
    ...(choice.until !== undefined && { until: choice.until }),
  };
  return [
    'root.pem: the certificate of the root',
    ...certificateWords(draftCertificate(order, room), { serial: false }).map((line) => `  ${line}`),
    `  publishes at ${choice.publish}`,
    `${SIGNER_FOLDER}/: its key (${choice.algorithm}), ${choice.pkcs11 === undefined ? 'encrypted' : `in the token "${choice.pkcs11.token}"`}, and the journal of what it signs`,
    ...(choice.shares === undefined ? [] : shareWords(choice.shares)),
  ];
}

export function shareWords(shares: ShareChoice): string[] {
  const files = shareFiles(shares);
  return files.map((file) => `${file}: one of ${files.length} shares; any ${shares.needed} open the key`);
}

/**
 * Makes the key, certifies it by itself, and hands `work` the open signer. Every share has opened the key once before
 * anybody takes one away.
 */
export async function makeRoot(
  sitting: Sitting,
  choice: RootKeyChoice,
  { subject, base }: { readonly subject: RootSubject; readonly base: string },
  work: (signer: Signer, root: IssuerGeneration) => Promise<void> = async () => {},
): Promise<void> {
  const folder = join(sitting.folder, SIGNER_FOLDER);
  const set = choice.shares && (await createShares(choice.shares.needed, choice.shares.custodians.length));
  const keys =
    set === undefined ? await openToken(sitting, base, choice.pkcs11!, folder) : { wrappingKey: set.wrappingKey };
  const { clock } = sitting.room;
  const signer = await openSigner({ folder, clock, keys });
  try {
    const key = await signer.createKey({
      purpose: 'root',
      algorithm: choice.algorithm,
      organization: subject.organization,
    });
    sitting.note(`key ${key.id} of ${key.algorithm} made for the root of ${subject.organization}`);
    const root = await certifyRoot(sitting.desk(signer), key, choice.publish, {
      ...subject,
      ...(choice.until !== undefined && { until: choice.until }),
    });
    await sitting.writeCertificate('root.pem', root.certificate!.der);
    await work(signer, root);
    await sitting.noteJournal(signer, SIGNER_FOLDER, 'after');
  } finally {
    await signer.close();
  }
  if (set !== undefined) await handOut(sitting, choice.shares!, set, folder);
}

/** Every share has opened the folder once before anybody takes one away. */
export async function handOut(sitting: Sitting, choice: ShareChoice, set: ShareSet, folder: string): Promise<void> {
  await tryEach(sitting, set, choice.needed, folder);
  set.wrappingKey.fill(0);
  for (const [i, file] of shareFiles(choice).entries()) {
    const share = set.shares[i]!;
    await sitting.write(file, `${share}\n`, 'handed out');
    sitting.note(`share ${i + 1} in ${file}, check value ${share.slice(share.lastIndexOf(':') + 1)}`);
  }
}

/** In turns, so that each share is used; and the key that they give opens the folder as it lies on the disk. */
async function tryEach(sitting: Sitting, { wrappingKey, shares }: ShareSet, needed: number, folder: string) {
  for (const i of shares.keys()) {
    const some = Array.from({ length: needed }, (_, turn) => shares[(i + turn) % shares.length]!);
    const combined = await combineShares(some);
    if (!equalBytes(combined, wrappingKey))
      throw new AuthorityError('SHARE_WRONG', `Share ${i + 1} gives another key.`);
    combined.fill(0);
  }
  const signer = await openSigner({ folder, clock: sitting.room.clock, keys: { wrappingKey } });
  await signer.close();
  sitting.note(`each of the ${shares.length} shares was tried, ${needed} at a time, and the key opens`);
}

export function shareFiles({ needed, custodians }: ShareChoice): string[] {
  if (needed > custodians.length) throw invalid([`shares.needed: ${needed} of ${custodians.length} is impossible`]);
  const files = custodians.map((name) => `shares/${name.toLowerCase().replaceAll(/[^\p{L}\p{N}]+/gu, '-')}.share`);
  if (new Set(files).size !== files.length) throw invalid(['shares.custodians: each has a name of their own']);
  return files;
}
