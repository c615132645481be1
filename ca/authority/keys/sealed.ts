import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

/** AES-256-GCM with a fresh random IV each time: iv (12) · ciphertext · tag (16). */
const IV_LENGTH = 12;
const TAG_LENGTH = 16;
export const WRAPPING_KEY_LENGTH = 32;

export function seal(key: Uint8Array, plaintext: Uint8Array, additional: Uint8Array): Buffer {
  const iv = randomBytes(IV_LENGTH);
  const cipher = createCipheriv('aes-256-gcm', key, iv).setAAD(additional);
  return Buffer.concat([iv, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()]);
}

/** undefined: another key, another `additional`, or changed bytes. The caller owns the plaintext and wipes it. */
export function unseal(key: Uint8Array, sealed: Uint8Array, additional: Uint8Array): Buffer | undefined {
  if (sealed.length < IV_LENGTH + TAG_LENGTH) return undefined;
  const end = sealed.length - TAG_LENGTH;
  const decipher = createDecipheriv('aes-256-gcm', key, sealed.subarray(0, IV_LENGTH), { authTagLength: TAG_LENGTH });
  decipher.setAAD(additional).setAuthTag(sealed.subarray(end));
  const plaintext = decipher.update(sealed.subarray(IV_LENGTH, end));
  try {
    decipher.final();
    return plaintext;
  } catch {
    plaintext.fill(0);
    return undefined;
  }
}
