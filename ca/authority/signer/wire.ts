import { AuthorityError, type AuthorityCode } from '../errors.ts';
import { ByteReader, ByteWriter } from '../journal/binary.ts';
import { KINDS, readKind, readRecord, wordFor, writeRecord } from '../journal/record.ts';
import type { JournalEntry, KeyDescription, KeyRole, RevocationRecord, SignRequest } from '../ports/signer.ts';

/**
 * What goes over the signer's socket: length (4) · version (1) · number of the call (4) · operation or outcome (1) ·
 * body. Binary, because a certificate each way as text would cost more than its signature.
 */
export const WIRE_VERSION = 1;
export const FRAME_HEADER = 4;
/** A CRL of a million entries is 40 MB, and is signed as a whole. */
export const MAX_FRAME = 160 * 1024 * 1024;

export const OPERATIONS = {
  ping: 1,
  keys: 2,
  createKey: 3,
  bindCertificate: 4,
  rotateKey: 5,
  retireKey: 6,
  sign: 7,
  recordRevocations: 8,
  journalHead: 9,
  journalAfter: 10,
} as const;
export type Operation = keyof typeof OPERATIONS;
export const OUTCOME = { done: 0, failed: 1 } as const;

/** `following`: octets of its body that are sent behind it and not copied into it. */
export function frame(
  call: number,
  code: number,
  write?: (to: ByteWriter) => void,
  capacity = 256,
  following = 0,
): Buffer {
  const out = new ByteWriter(capacity).u32(0).u8(WIRE_VERSION).u32(call).u8(code);
  write?.(out);
  out.patchU32(0, out.length - FRAME_HEADER + following);
  return out.view();
}

export type ReceivedFrame = { readonly call: number; readonly code: number; readonly body: ByteReader };

/** Above, a frame is gathered where it stays: a CRL of a million entries in pieces, and then as a whole, would be there twice. */
const GATHER_FROM = 1024 * 1024;

/** Cuts a stream of bytes into frames. Throws RangeError at a frame that no peer of ours sends. */
export class FrameSplitter {
  #chunks: Buffer[] = [];
  #size = 0;
  /** A large frame on its way, and how much of it is there. */
  #large: { readonly bytes: Buffer; filled: number } | undefined;

  push(chunk: Buffer): ReceivedFrame[] {
    const frames: ReceivedFrame[] = [];
    const rest = this.#fill(chunk, frames);
    if (rest.length === 0) return frames;
    this.#chunks.push(rest);
    this.#size += rest.length;
    for (;;) {
      const length = this.#nextLength();
      if (length === undefined) return frames;
      const whole = FRAME_HEADER + length;
      if (this.#size < whole) {
        if (whole >= GATHER_FROM) this.#gather(whole);
        return frames;
      }
      frames.push(readFrame(this.#take(whole).subarray(FRAME_HEADER)));
    }
  }

  #gather(whole: number): void {
    const bytes = Buffer.allocUnsafeSlow(whole);
    let filled = 0;
    for (const chunk of this.#chunks) filled += chunk.copy(bytes, filled);
    this.#large = { bytes, filled };
    this.#chunks = [];
    this.#size = 0;
  }

  /** What of the chunk belongs to the large frame goes there; the rest comes back. */
  #fill(chunk: Buffer, frames: ReceivedFrame[]): Buffer {
    const large = this.#large;
    if (large === undefined) return chunk;
    const taken = chunk.copy(large.bytes, large.filled);
    large.filled += taken;
    if (large.filled === large.bytes.length) {
      this.#large = undefined;
      frames.push(readFrame(large.bytes.subarray(FRAME_HEADER)));
    }
    return chunk.subarray(taken);
  }

  #nextLength(): number | undefined {
    if (this.#size < FRAME_HEADER) return undefined;
    if (this.#chunks[0]!.length < FRAME_HEADER) this.#chunks = [Buffer.concat(this.#chunks)];
    const length = this.#chunks[0]!.readUInt32BE(0);
    if (length > MAX_FRAME) throw new RangeError(`A frame of ${length} bytes is above the limit.`);
    return length;
  }

  #take(length: number): Buffer {
    let first = this.#chunks[0]!;
    if (first.length < length) {
      first = Buffer.concat(this.#chunks);
      this.#chunks = [first];
    }
    this.#size -= length;
    if (first.length === length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(length);
    return first.subarray(0, length);
  }
}

function readFrame(bytes: Buffer): ReceivedFrame {
  const body = new ByteReader(bytes);
  const version = body.u8();
  if (version !== WIRE_VERSION) throw new RangeError(`The peer speaks version ${version}, this one ${WIRE_VERSION}.`);
  return { call: body.u32(), code: body.u8(), body };
}

export function writeList<T>(to: ByteWriter, items: readonly T[], write: (to: ByteWriter, item: T) => void): void {
  to.u32(items.length);
  for (const item of items) write(to, item);
}

export function readList<T>(from: ByteReader, read: (from: ByteReader) => T): T[] {
  const items: T[] = [];
  for (let left = from.u32(); left > 0; left -= 1) items.push(read(from));
  return items;
}

export function writeRequest(to: ByteWriter, request: SignRequest): void {
  writeRequestHead(to, request);
  to.raw(request.bytes);
}

/** All but the bytes, which follow. */
export function writeRequestHead(to: ByteWriter, { key, kind, bytes }: SignRequest): void {
  to.u8(KINDS[kind]).text(key).u32(bytes.length);
}

export function readRequest(from: ByteReader): SignRequest {
  return { kind: readKind(from), key: from.text(), bytes: from.bytes() };
}

const PURPOSES = {
  root: 1,
  organization: 2,
  enterprise: 3,
  service: 4,
  ocsp: 5,
  manifest: 6,
  token: 7,
  tls: 8,
} as const;
const ALGORITHMS = { 'P-256': 1, 'P-384': 2, 'RSA-3072': 3, Ed25519: 4, 'ML-DSA-65': 5 } as const;

export function writeRole(to: ByteWriter, { purpose, algorithm, organization, enterprise }: KeyRole): void {
  to.u8(PURPOSES[purpose]).u8(ALGORITHMS[algorithm]).text(organization);
  to.optional(enterprise, (writer, name) => writer.text(name));
}

export function readRole(from: ByteReader): KeyRole & { readonly enterprise: string | undefined } {
  return {
    purpose: wordFor(PURPOSES, from.u8()),
    algorithm: wordFor(ALGORITHMS, from.u8()),
    organization: from.text(),
    enterprise: from.optional((reader) => reader.text()),
  } as KeyRole & { readonly enterprise: string | undefined };
}

export function writeDescription(to: ByteWriter, key: KeyDescription): void {
  const { enterprise, ...role } = key;
  writeRole(to, enterprise === undefined ? role : { ...role, enterprise });
  to.text(key.id).bytes(key.publicKey).date(key.createdAt).u32(key.generation);
  to.optional(key.retiredAt, (writer, at) => writer.date(at));
  to.optional(key.certificate, (writer, certificate) => writer.bytes(certificate));
}

export function readDescription(from: ByteReader): KeyDescription {
  return {
    ...readRole(from),
    id: from.text(),
    publicKey: copy(from.bytes()),
    createdAt: from.date(),
    generation: from.u32(),
    retiredAt: from.optional((reader) => reader.date()),
    certificate: from.optional((reader) => copy(reader.bytes())),
  };
}

export function writeRevocation(to: ByteWriter, record: RevocationRecord): void {
  writeRecord(to, { type: 'revocation', ...record });
}

export function readRevocation(from: ByteReader): RevocationRecord {
  const record = readRecord(from);
  if (record.type !== 'revocation') throw new RangeError(`A record of type ${record.type} is no revocation.`);
  const { type: _, ...revocation } = record;
  return revocation;
}

export function writeEntry(to: ByteWriter, { sequence, previous, hash, at, record }: JournalEntry): void {
  to.u64(sequence).bytes(previous).bytes(hash).date(at);
  writeRecord(to, record);
}

export function readEntry(from: ByteReader): JournalEntry {
  return {
    sequence: from.u64(),
    previous: from.bytes(),
    hash: from.bytes(),
    at: from.date(),
    record: readRecord(from),
  };
}

export function writeError(to: ByteWriter, { code, message, details }: AuthorityError): void {
  to.text(code).text(message);
  writeList(to, details, (writer, detail) => writer.text(detail));
}

export function readError(from: ByteReader): AuthorityError {
  // The peer is our own code of the same version: its codes are ours.
  const code = from.text() as AuthorityCode;
  return new AuthorityError(code, from.text(), { details: readList(from, (reader) => reader.text()) });
}

/** Descriptions are kept: they must not hold on to the whole chunk that they arrived in. */
function copy(bytes: Buffer): Uint8Array {
  return Uint8Array.from(bytes);
}
