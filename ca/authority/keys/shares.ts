import { hash, randomBytes } from 'node:crypto';
import { combine, split } from 'shamir-secret-sharing';
import { AuthorityError } from '../errors.ts';
import { seal, unseal, WRAPPING_KEY_LENGTH } from './sealed.ts';

/**
 * A wrapping key in the hands of n people of whom any k can put it together. What is split is a random key and never
 * the thing it protects. The scheme itself gives *some* bytes for wrong shares as well, so every share carries a check
 * of its own, and all carry a sealed value that only the right key opens.
 *
 * A share is one line of text: `licet-share-1:set:index:k:n:check value:bytes:check`, everything in hexadecimal.
 */
export type ShareSet = { readonly wrappingKey: Uint8Array; readonly shares: readonly string[] };

type Share = {
  readonly set: string;
  readonly index: number;
  readonly needed: number;
  readonly total: number;
  readonly proof: Uint8Array;
  readonly bytes: Uint8Array;
};

const FORMAT = 'licet-share-1';
const LINE = /^licet-share-1:([0-9a-f]{16}):(\d{1,3}):(\d{1,3}):(\d{1,3}):([0-9a-f]+):([0-9a-f]+):([0-9a-f]{16})$/;
const PROOF = new Uint8Array(16);

export async function createShares(needed: number, total: number): Promise<ShareSet> {
  if (!Number.isInteger(needed) || !Number.isInteger(total) || needed < 2 || needed > total || total > 255) {
    throw new AuthorityError(
      'CEREMONY_INVALID',
      `${needed} of ${total} shares is impossible; choose 2 to 255, k at most n.`,
    );
  }
  const wrappingKey = new Uint8Array(randomBytes(WRAPPING_KEY_LENGTH));
  const set = randomBytes(8).toString('hex');
  const proof = seal(wrappingKey, PROOF, additional(set, needed, total));
  // The package refuses Buffers: these are plain arrays.
  const parts = await split(wrappingKey, total, needed);
  const shares = parts.map((bytes, i) => formatShare({ set, index: i + 1, needed, total, proof, bytes }));
  for (const part of parts) part.fill(0);
  return { wrappingKey, shares };
}

/** The wrapping key. Rejects with SHARE_WRONG or SHARE_MISSING, naming the share, and never gives another key. */
export async function combineShares(lines: readonly string[]): Promise<Uint8Array> {
  const shares = lines.map((line, i) => parseShare(line, i + 1));
  const [first] = shares;
  if (first === undefined) throw new AuthorityError('SHARE_MISSING', 'No share was given.');
  const { set, needed, total, proof } = first;
  for (const share of shares) {
    const isSame = share.set === set && share.needed === needed && share.total === total;
    if (!isSame || Buffer.compare(share.proof, proof) !== 0) {
      throw wrong(
        `share ${share.index} of set ${share.set}`,
        `it belongs to another set than share ${first.index} (${set})`,
      );
    }
  }
  const distinct = new Map(shares.map((share) => [share.index, share]));
  if (distinct.size < needed) {
    const given = [...distinct.keys()].toSorted((a, b) => a - b).join(', ');
    throw new AuthorityError(
      'SHARE_MISSING',
      `${needed} different shares of set ${set} are needed and ${distinct.size} were given (${given}); bring ${needed - distinct.size} more.`,
    );
  }
  const wrappingKey = await combine([...distinct.values()].map(({ bytes }) => bytes));
  for (const { bytes } of shares) bytes.fill(0);
  if (unseal(wrappingKey, proof, additional(set, needed, total)) === undefined) {
    throw wrong(`a share of set ${set}`, 'together they do not give the key that was split');
  }
  return wrappingKey;
}

function formatShare({ set, index, needed, total, proof, bytes }: Share): string {
  const hex = (value: Uint8Array) => Buffer.from(value).toString('hex');
  const body = [FORMAT, set, index, needed, total, hex(proof), hex(bytes)].join(':');
  return `${body}:${check(body)}`;
}

function parseShare(line: string, place: number): Share {
  const text = line.trim().toLowerCase();
  const parts = LINE.exec(text);
  if (parts === null) throw wrong(`number ${place} of those given`, 'it is no share, or it is cut off');
  const [, set = '', index, needed, total, proof = '', bytes = '', sum] = parts;
  const name = `share ${index} of set ${set}`;
  if (check(text.slice(0, text.lastIndexOf(':'))) !== sum)
    throw wrong(name, 'it was changed; compare it with its original');
  const decode = (hex: string) => new Uint8Array(Buffer.from(hex, 'hex'));
  return {
    set,
    index: Number(index),
    needed: Number(needed),
    total: Number(total),
    proof: decode(proof),
    bytes: decode(bytes),
  };
}

function check(body: string): string {
  return hash('sha256', body, 'hex').slice(0, 16);
}

function additional(set: string, needed: number, total: number): Uint8Array {
  return Buffer.from(`${FORMAT}:${set}:${needed}:${total}`);
}

function wrong(share: string, reason: string): AuthorityError {
  return new AuthorityError('SHARE_WRONG', `There is something wrong with ${share}: ${reason}.`, { details: [share] });
}
