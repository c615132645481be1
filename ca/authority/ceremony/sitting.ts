import { chmod, mkdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { decodeCertificate, encodePem, toHex } from '@licet/format';
import { writeDurably } from '../keys/durable-file.ts';
import type { Signer } from '../ports/signer.ts';
import type { Desk } from './desk.ts';
import type { Room } from './room.ts';
import type { FileKind, Transcript } from './transcript.ts';
import { fingerprintOf, sha256 } from './words.ts';

/** A ceremony under way: everything that it makes goes through here, and so into the transcript. */
export class Sitting {
  /** Becomes the output folder when all is done, and until then is nothing. */
  readonly folder: string;
  readonly room: Room;
  readonly #transcript: Transcript;

  constructor(folder: string, room: Room, transcript: Transcript) {
    this.folder = folder;
    this.room = room;
    this.#transcript = transcript;
  }

  /** Into the transcript and onto the screen. */
  note(text: string): void {
    this.#transcript.add(text);
    this.room.say(text);
  }

  async ask(question: string): Promise<string | undefined> {
    const answer = await this.room.ask(question);
    this.#transcript.add(`asked: ${question}`);
    // What was typed may hold anything; the transcript has one line for it.
    this.#transcript.add(`answered: ${answer === undefined ? 'nobody was there' : JSON.stringify(answer)}`);
    return answer;
  }

  async write(name: string, content: string | Uint8Array, kind: FileKind = 'kept'): Promise<void> {
    const path = join(this.folder, name);
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    await writeDurably(path, content);
    if (kind === 'kept') await chmod(path, 0o644);
    this.#transcript.addFile({ kind, name, sha256: sha256(content) });
  }

  /** What was brought along, kept with the rest, so that the transcript can be checked years later. */
  async keepInput(name: string, content: string | Uint8Array): Promise<void> {
    await this.write(`inputs/${name}`, content);
  }

  /** Gives the name of the file. */
  async writeCertificate(name: string, der: Uint8Array): Promise<void> {
    await this.write(name, encodePem('CERTIFICATE', der));
    this.note(`certificate ${name} fingerprint ${fingerprintOf(der)} serial ${toHex(decodeCertificate(der).serial)}`);
  }

  desk(signer: Signer): Desk {
    return { signer, clock: this.room.clock, random: this.room.random };
  }

  /** Between which lines of the signer's journal the ceremony stands. */
  async noteJournal(signer: Signer, folder: string, when: 'before' | 'after'): Promise<void> {
    const { sequence, hash } = await signer.journalHead();
    this.#transcript.add(`journal of ${folder} ${when}: line ${sequence} hash ${toHex(hash)}`);
  }

  /** Writes the transcript and gives its seal. */
  async end(): Promise<string> {
    this.#transcript.add('the ceremony ended');
    await writeDurably(join(this.folder, 'transcript.txt'), this.#transcript.text());
    return this.#transcript.seal;
  }
}
