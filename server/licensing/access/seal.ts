import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Random } from '../ports/random.ts';

/** What must be read again and may not be read in the database: the secret of a second factor, of an OIDC client. */
export interface Sealer {
  /** `owner` is bound in: a sealed text that is moved to another row does not open there. */
  seal(text: string, owner: string): string;
  /** Throws for what was not sealed with this key for this owner. */
  open(sealed: string, owner: string): string;
}

const NONCE = 12;
const TAG = 16;
const VERSION = 'v1.';

export function createSealer(key: Uint8Array, random: Random): Sealer {
  if (key.length !== 32) throw new TypeError('A sealing key has 32 bytes.');
  return {
    seal(text, owner) {
      const nonce = random.bytes(NONCE);
      const cipher = createCipheriv('aes-256-gcm', key, nonce).setAAD(Buffer.from(VERSION + owner));
      const sealed = Buffer.concat([nonce, cipher.update(text, 'utf8'), cipher.final(), cipher.getAuthTag()]);
      return VERSION + sealed.toString('base64url');
    },
    open(sealed, owner) {
      const bytes = Buffer.from(sealed.startsWith(VERSION) ? sealed.slice(VERSION.length) : '', 'base64url');
      if (bytes.length < NONCE + TAG) throw new Error('This is no sealed text.');
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, NONCE), { authTagLength: TAG })
        .setAAD(Buffer.from(VERSION + owner))
        .setAuthTag(bytes.subarray(-TAG));
      try {
        return decipher.update(bytes.subarray(NONCE, -TAG), undefined, 'utf8') + decipher.final('utf8');
      } catch (cause) {
        throw new Error('A sealed text does not open: access.sealingKey is not the one of this database.', { cause });
      }
    },
  };
}
