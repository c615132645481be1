import { hash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { decodeCertificate, type Certificate } from '@licet/format';
import { prepareFolder } from '../keys/folder.ts';
import { writeDurably } from '../keys/durable-file.ts';

/**
 * The certificates from outside that may vouch for the certificates of keys here: one DER file each, in `anchors/`.
 * The first binding in an empty signer lays the first one; after that only who can write into the folder adds more. So
 * whoever merely talks to the signer cannot widen a key by an issuer of their own making.
 */
export class Anchors {
  readonly #folder: string;
  readonly #certificates: Certificate[];

  private constructor(folder: string, certificates: Certificate[]) {
    this.#folder = folder;
    this.#certificates = certificates;
  }

  static async open(folder: string): Promise<Anchors> {
    await prepareFolder(folder);
    const names = (await readdir(folder)).filter((name) => name.endsWith('.der')).toSorted();
    const files = await Promise.all(names.map(async (name) => readFile(join(folder, name))));
    return new Anchors(
      folder,
      files.map((der) => decodeCertificate(new Uint8Array(der))),
    );
  }

  get all(): readonly Certificate[] {
    return this.#certificates;
  }

  async add(der: Uint8Array): Promise<void> {
    await layAnchor(this.#folder, der);
    this.#certificates.push(decodeCertificate(der));
  }
}

/** For who may write into the folder, while no signer runs. */
export async function layAnchor(folder: string, der: Uint8Array): Promise<void> {
  await prepareFolder(folder);
  await writeDurably(join(folder, `${hash('sha256', der)}.der`), der);
}
