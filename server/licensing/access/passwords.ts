import { argon2, timingSafeEqual } from 'node:crypto';
import { LicetError } from '../errors.ts';
import type { Random } from '../ports/random.ts';
import { COMMON_PASSWORDS } from './common-passwords.ts';

export type PasswordCost = { readonly memoryKib: number; readonly passes: number };

/** OWASP's argon2id setting: about 40 ms of one core, and memory that a graphics card cannot spread thin. */
export const REAL_COST: PasswordCost = { memoryKib: 19 * 1024, passes: 2 };

const LEAST = 12;
/** NIST SP 800-63B asks for at least 64; there must be a bound because everything is hashed. */
const MOST = 256;
const SALT = 16;
const TAG = 32;
/** One after the other per thread of the pool; what waits longer than this many others is better told so. */
const MAX_AT_ONCE = 64;

export interface Passwords {
  /** Rejects with PASSWORD_WEAK, naming the rule. `about` is what must not be in it: address, name, organization. */
  check(password: string, about: readonly string[]): void;
  hash(password: string): Promise<string>;
  /** The same work for an `encoded` that is undefined: nobody learns whether there is such a person. */
  matches(password: string, encoded: string | undefined): Promise<boolean>;
}

/** In the thread pool, off the event loop. Rejects with SIGN_IN_BUSY when too many wait already. */
export function createPasswords(random: Random, cost: PasswordCost = REAL_COST): Passwords {
  let running = 0;
  const work = async (password: string, settings: PasswordCost, salt: Uint8Array): Promise<Buffer> => {
    if (running >= MAX_AT_ONCE) throw busy();
    running++;
    try {
      return await derive(password, settings, salt);
    } finally {
      running--;
    }
  };
  const nobody = encode(cost, random.bytes(SALT), random.bytes(TAG));
  return {
    check,
    async hash(password) {
      const salt = random.bytes(SALT);
      return encode(cost, salt, await work(password, cost, salt));
    },
    async matches(password, encoded) {
      const known = decode(encoded ?? nobody);
      const derived = await work(password.slice(0, MOST), known.cost, known.salt);
      // Not before the comparison: who has no password does the same work.
      return timingSafeEqual(derived, known.tag) && encoded !== undefined && password.length <= MOST;
    },
  };
}

function derive(password: string, { memoryKib, passes }: PasswordCost, nonce: Uint8Array): Promise<Buffer> {
  const message = password.normalize('NFKC');
  const parameters = { message, nonce, parallelism: 1, tagLength: TAG, memory: memoryKib, passes };
  return new Promise((resolve, reject) => {
    argon2('argon2id', parameters, (error, key) => (error ? reject(error) : resolve(key)));
  });
}

// The PHC string format, so that any other tool can check what we stored.
const PHC = /^\$argon2id\$v=19\$m=(\d+),t=(\d+),p=1\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;
const unpadded = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '');

function encode({ memoryKib, passes }: PasswordCost, salt: Uint8Array, tag: Uint8Array): string {
  return `$argon2id$v=19$m=${memoryKib},t=${passes},p=1$${unpadded(salt)}$${unpadded(tag)}`;
}

function decode(encoded: string): { cost: PasswordCost; salt: Buffer; tag: Buffer } {
  const [, memory, passes, salt, tag] = PHC.exec(encoded) ?? [];
  if (salt === undefined || tag === undefined) throw new Error('A stored password is no argon2id string.');
  const cost = { memoryKib: Number(memory), passes: Number(passes) };
  return { cost, salt: Buffer.from(salt, 'base64'), tag: Buffer.from(tag, 'base64') };
}

function check(password: string, about: readonly string[]): void {
  const folded = password.normalize('NFKC').toLowerCase();
  const length = Array.from(folded).length;
  if (length < LEAST) throw weak(`it has ${length} characters, and ${LEAST} are needed`);
  if (password.length > MOST) throw weak(`it is longer than ${MOST} characters`);
  // What people append to reach a length adds nothing that a guesser would not try.
  const core = folded.replaceAll(/[^\p{L}]+$|^[^\p{L}]+/gu, '');
  if (COMMON_PASSWORDS.has(folded) || COMMON_PASSWORDS.has(core)) throw weak('it is one of the most used passwords');
  if (isRepetitive(folded)) throw weak('it repeats or counts the same few characters');
  const own = about.map((text) => text.toLowerCase()).find((text) => text.length >= 4 && folded.includes(text));
  if (own !== undefined) throw weak('it contains your name, your address or the organization');
}

function isRepetitive(text: string): boolean {
  if (new Set(text).size < 5) return true;
  const codes = Array.from(text, (character) => character.codePointAt(0) ?? 0);
  const steps = new Set(codes.slice(1).map((code, at) => code - (codes[at] ?? 0)));
  return steps.size === 1;
}

const weak = (why: string): LicetError =>
  new LicetError(
    'invalid',
    'PASSWORD_WEAK',
    `This password cannot be used: ${why}; choose a longer phrase of your own.`,
    {
      pointer: '/password',
    },
  );

const busy = (): LicetError =>
  new LicetError('unavailable', 'SIGN_IN_BUSY', 'Too many people sign in at this moment; try again in a few seconds.', {
    retryAfterSeconds: 3,
  });
