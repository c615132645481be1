/** What a message is refused for. */
export const WEBHOOK_REFUSALS = [
  'HEADER_MISSING', // one of webhook-id, webhook-timestamp, webhook-signature
  'ID_INVALID',
  'TIMESTAMP_INVALID',
  'TIMESTAMP_OLD', // sent long ago: a repetition by somebody who has listened
  'TIMESTAMP_NEW',
  'BODY_TOO_LARGE',
  'SIGNATURE_UNKNOWN', // none of a scheme that is known here
  'SIGNATURE_WRONG',
  'BODY_INVALID', // signed, and yet no event
] as const;
export type WebhookRefusal = (typeof WEBHOOK_REFUSALS)[number];

export class WebhookRefused extends Error {
  override readonly name = 'WebhookRefused';
  readonly code: WebhookRefusal;

  constructor(code: WebhookRefusal, message: string) {
    super(message);
    this.code = code;
  }
}

export type WebhookEvent = {
  /** Stays the same however often it is sent: drop what you have seen. */
  readonly id: string;
  readonly type: string;
  readonly at: Date;
  readonly organization: string;
  readonly data: Readonly<Record<string, unknown>>;
};

export type WebhookRequest = {
  /** As they came; names in any case. */
  readonly headers: Headers | Readonly<Record<string, string | readonly string[] | undefined>>;
  /** As it came, before anything was parsed: other white space is another signature. */
  readonly body: string | Uint8Array<ArrayBuffer>;
};

export type WebhookCheck = {
  /** `whsec_…`, the new one and the old one while a secret is rotated; for signatures of scheme v1. */
  readonly secrets?: readonly string[];
  /** `whpk_…`, the same of public keys, which can check a message and not make one; for scheme v1a. */
  readonly publicKeys?: readonly string[];
  /** The time now. */
  readonly at: Date;
  /** By which the clocks may differ, and for how long a message is taken. Default 300. */
  readonly toleranceSeconds?: number;
};

/** Far above any event of ours; what is larger is not even hashed. */
const BODY_MOST = 1024 * 1024;
/** An attacker may send any number; two are what a sender has while it rotates its secret. */
const SIGNATURES_MOST = 8;
/** Of each scheme: how its keys begin, their sizes in bytes, and what they are to WebCrypto. */
const SCHEMES = {
  v1: { prefix: 'whsec_', least: 24, most: 64, algorithm: { name: 'HMAC', hash: 'SHA-256' } },
  v1a: { prefix: 'whpk_', least: 32, most: 32, algorithm: { name: 'Ed25519' } },
} as const;
type Scheme = keyof typeof SCHEMES;
type Key = { readonly scheme: Scheme; readonly bytes: Uint8Array<ArrayBuffer> };

/**
 * The event of a message by the scheme of Standard Webhooks (https://www.standardwebhooks.com), when one of the secrets
 * has signed it lately; rejects with `WebhookRefused` otherwise. With WebCrypto alone, so it runs everywhere.
 */
export async function verifyWebhook(
  { headers, body }: WebhookRequest,
  { secrets = [], publicKeys = [], at, toleranceSeconds = 300 }: WebhookCheck,
): Promise<WebhookEvent> {
  const keys = [...secrets.map((text) => keyOf('v1', text)), ...publicKeys.map((text) => keyOf('v1a', text))];
  const id = headerOf(headers, 'webhook-id');
  const timestamp = headerOf(headers, 'webhook-timestamp');
  const signatures = headerOf(headers, 'webhook-signature');
  // The parts are signed with a dot in between: one in the id would let the parts be cut otherwise.
  if (!/^[\w-]{1,256}$/.test(id)) throw new WebhookRefused('ID_INVALID', 'The webhook-id is not one of ours.');
  checkTime(timestamp, at, toleranceSeconds);
  const bytes = typeof body === 'string' ? new TextEncoder().encode(body) : body;
  if (bytes.length > BODY_MOST) throw new WebhookRefused('BODY_TOO_LARGE', 'The body is larger than any event.');
  await checkSignatures(signatures, keys, concatenated(`${id}.${timestamp}.`, bytes));
  return eventOf(id, bytes);
}

function keyOf(scheme: Scheme, text: string): Key {
  const { prefix, least, most } = SCHEMES[scheme];
  const bytes = text.startsWith(prefix) ? base64(text.slice(prefix.length)) : undefined;
  if (bytes !== undefined && bytes.length >= least && bytes.length <= most) return { scheme, bytes };
  throw new TypeError(`A key for scheme ${scheme} begins with ${prefix}, as it was shown when the webhook was made.`);
}

function headerOf(headers: WebhookRequest['headers'], name: string): string {
  const entries =
    headers instanceof Headers ? [[name, headers.get(name) ?? undefined] as const] : Object.entries(headers);
  const values = entries.filter(([given]) => given.toLowerCase() === name).map(([, value]) => value);
  const [value] = values;
  if (values.length === 1 && typeof value === 'string' && value !== '') return value;
  throw new WebhookRefused('HEADER_MISSING', `The header ${name} must be there once.`);
}

function checkTime(timestamp: string, at: Date, toleranceSeconds: number): void {
  if (!/^[1-9]\d{0,10}$/.test(timestamp)) {
    throw new WebhookRefused('TIMESTAMP_INVALID', 'The webhook-timestamp must be seconds since 1970.');
  }
  const age = at.getTime() / 1000 - Number(timestamp);
  if (age > toleranceSeconds) {
    throw new WebhookRefused(
      'TIMESTAMP_OLD',
      `The message was sent ${Math.round(age)} s ago; it is not taken any more.`,
    );
  }
  if (age < -toleranceSeconds) {
    throw new WebhookRefused('TIMESTAMP_NEW', 'The message comes from the future; set the clock of this machine.');
  }
}

async function checkSignatures(header: string, keys: readonly Key[], signed: Uint8Array<ArrayBuffer>): Promise<void> {
  const all = header.split(' ').map((one) => /^(v1|v1a),(.*)$/.exec(one));
  const given = all.flatMap((match) => (match === null ? [] : [{ scheme: match[1], bytes: base64(match[2] ?? '') }]));
  const ours = given.filter(({ scheme }) => keys.some((key) => key.scheme === scheme)).slice(0, SIGNATURES_MOST);
  if (ours.length === 0) {
    throw new WebhookRefused('SIGNATURE_UNKNOWN', 'The message has no signature of a scheme that there is a key for.');
  }
  for (const { scheme, bytes } of keys) {
    const { algorithm } = SCHEMES[scheme];
    const key = await crypto.subtle.importKey('raw', bytes, algorithm, false, ['verify']);
    for (const signature of ours) {
      if (signature.scheme !== scheme || signature.bytes === undefined) continue;
      // Compares in constant time, as the specification of WebCrypto demands.
      if (await crypto.subtle.verify(algorithm, key, signature.bytes, signed)) return;
    }
  }
  throw new WebhookRefused('SIGNATURE_WRONG', 'None of the keys has signed this message.');
}

function eventOf(id: string, bytes: Uint8Array<ArrayBuffer>): WebhookEvent {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    const { type, timestamp, organization, data } = JSON.parse(text) as Record<string, unknown>;
    const at = new Date(typeof timestamp === 'string' ? timestamp : Number.NaN);
    const isEvent = typeof type === 'string' && typeof organization === 'string' && !Number.isNaN(at.getTime());
    if (isEvent && typeof data === 'object' && data !== null && !Array.isArray(data)) {
      return { id, type, at, organization, data: data as Record<string, unknown> };
    }
  } catch (error) {
    if (!(error instanceof SyntaxError || error instanceof TypeError)) throw error;
  }
  throw new WebhookRefused('BODY_INVALID', 'The message is signed, and yet it is no event.');
}

/** Strictly one text for one sequence of bytes; undefined: not so. */
function base64(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (text.length % 4 !== 0 || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const bytes = Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  return btoa(String.fromCharCode(...bytes)) === text ? bytes : undefined;
}

function concatenated(head: string, body: Uint8Array<ArrayBuffer>): Uint8Array<ArrayBuffer> {
  const first = new TextEncoder().encode(head);
  const all = new Uint8Array(first.length + body.length);
  all.set(first);
  all.set(body, first.length);
  return all;
}
