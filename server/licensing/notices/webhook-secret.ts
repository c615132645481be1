import { createHmac, createPrivateKey, createPublicKey, type KeyObject, sign } from 'node:crypto';
import type { Sealer } from '../access/seal.ts';
import type { Webhook, WebhookSecret } from '../model/receiver.ts';
import type { Random } from '../ports/random.ts';

/** Standard Webhooks demands 24 to 64 bytes; a key of the size of the hash is all that HMAC can use. */
const BYTES = 32;
const PREFIX = 'whsec_';
const PUBLIC_PREFIX = 'whpk_';

export const newWebhookSecret = (random: Random): string =>
  PREFIX + Buffer.from(random.bytes(BYTES)).toString('base64');

const bytesOf = (secret: string): Buffer => Buffer.from(secret.slice(PREFIX.length), 'base64');

/** Bound to its webhook: moved to another one, it does not open. */
export const sealSecret = (sealer: Sealer, webhook: string, secret: string): WebhookSecret => ({
  sealed: sealer.seal(secret, `webhook:${webhook}`),
  publicKey: PUBLIC_PREFIX + publicKeyOf(signingKey(secret)),
});

/** Those that sign at this time, the newest first. */
export const openSecrets = (sealer: Sealer, { id, secrets }: Webhook, at: Date): string[] =>
  secrets
    .filter(({ until }) => until === undefined || new Date(until) > at)
    .map(({ sealed }) => sealer.open(sealed, `webhook:${id}`));

/**
 * The headers of a message (https://www.standardwebhooks.com). Each secret signs twice: `v1` for who has the secret, and
 * `v1a` for who has only the public key, and so can check a message but not make one.
 */
export function signatures(secrets: readonly string[], id: string, at: Date, body: string): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const signed = Buffer.from(`${id}.${timestamp}.${body}`);
  const all = secrets.flatMap((secret) => [
    `v1,${createHmac('sha256', bytesOf(secret)).update(signed).digest('base64')}`,
    `v1a,${sign(null, signed, signingKey(secret)).toString('base64')}`,
  ]);
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': all.join(' ') };
}

/** RFC 8410 7: what stands before the 32 bytes of an Ed25519 key in PKCS#8. */
const PKCS8 = Buffer.from('302e020100300506032b657004220420', 'hex');

/** Made from the secret, so that there is one thing to keep, to rotate and to lose. */
function signingKey(secret: string): KeyObject {
  const seed = createHmac('sha256', bytesOf(secret)).update('licet webhook v1a').digest();
  return createPrivateKey({ key: Buffer.concat([PKCS8, seed]), format: 'der', type: 'pkcs8' });
}

const publicKeyOf = (key: KeyObject): string =>
  Buffer.from(createPublicKey(key).export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64');
