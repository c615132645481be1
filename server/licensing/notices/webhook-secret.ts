import { createHmac } from 'node:crypto';
import type { Sealer } from '../access/seal.ts';
import type { Webhook, WebhookSecret } from '../model/receiver.ts';
import type { Random } from '../ports/random.ts';

/** Standard Webhooks demands 24 to 64 bytes; a key of the size of the hash is all that HMAC can use. */
const BYTES = 32;
const PREFIX = 'whsec_';

export const newWebhookSecret = (random: Random): string =>
  PREFIX + Buffer.from(random.bytes(BYTES)).toString('base64');

/** Bound to its webhook: moved to another one, it does not open. */
export const sealSecret = (sealer: Sealer, webhook: string, secret: string): WebhookSecret => ({
  sealed: sealer.seal(secret, `webhook:${webhook}`),
});

/** Those that sign at this time, the newest first. */
export const openSecrets = (sealer: Sealer, { id, secrets }: Webhook, at: Date): string[] =>
  secrets
    .filter(({ until }) => until === undefined || new Date(until) > at)
    .map(({ sealed }) => sealer.open(sealed, `webhook:${id}`));

/** https://www.standardwebhooks.com: the header of a message, with one signature for each secret. */
export function signatures(secrets: readonly string[], id: string, at: Date, body: string): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1000));
  const sign = (secret: string): string =>
    createHmac('sha256', Buffer.from(secret.slice(PREFIX.length), 'base64'))
      .update(`${id}.${timestamp}.${body}`)
      .digest('base64');
  return {
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': secrets.map((secret) => `v1,${sign(secret)}`).join(' '),
  };
}
