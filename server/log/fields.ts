/**
 * All that a log line can carry. This is an allow-list: what is not named here is dropped, whatever object was handed
 * in, so a secret reaches the log only if somebody names a field for it. Never add: a body, a header, a URL with its
 * query, a token, a key.
 */
export const FIELDS = {
  component: text,
  requestId: text,
  method: text,
  /** The template (`/api/sites/:id`), never the path itself. */
  route: text,
  status: number,
  ms: number,
  client: text,
  code: text,
  reason: text,
  signal: text,
  listener: text,
  address: text,
  operations: text,
  /** Where /ca, /crl and /ocsp are over plain HTTP. */
  publishing: text,
  file: text,
  folder: text,
  expiresAt: text,
  version: text,
  organization: text,
  enterprise: text,
  site: text,
  authority: text,
  serial: text,
  shard: number,
  job: text,
  lease: text,
  result: text,
  seconds: number,
  slot: instant,
  event: text,
  subscriber: text,
  check: text,
  count: number,
  tries: number,
  exitCode: number,
  migration: text,
  err: errorRecord,
} as const;

export type FieldName = keyof typeof FIELDS;

export type LogFields = { readonly [Name in FieldName]?: FieldInput<Name> };

type FieldInput<Name extends FieldName> = Name extends 'err'
  ? unknown
  : (typeof FIELDS)[Name] extends typeof number
    ? number | undefined
    : (typeof FIELDS)[Name] extends typeof instant
      ? Date | undefined
      : string | undefined;

export type Scrub = (value: string) => string;

const MAX_TEXT = 2000;

/** What is left of an object after the allow-list. */
export function allowed(fields: object, scrub: Scrub): Record<string, unknown> {
  const line: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(fields)) {
    if (value === undefined || !Object.hasOwn(FIELDS, name)) continue;
    line[name] = FIELDS[name as FieldName](value, scrub);
  }
  return line;
}

function text(value: unknown, scrub: Scrub): string | undefined {
  return typeof value === 'string' ? scrub(value.slice(0, MAX_TEXT)) : undefined;
}

function instant(value: unknown): string | undefined {
  return value instanceof Date && !Number.isNaN(value.getTime()) ? value.toISOString() : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' ? value : undefined;
}

/**
 * Errors carry whatever their makers hung on them (PostgreSQL: the values of the row), so of them too only named
 * properties are kept.
 */
function errorRecord(value: unknown, scrub: Scrub, depth = 0): Record<string, unknown> {
  if (!(value instanceof Error)) return { message: `a ${typeof value} was thrown, not an Error` };
  const { name, message, stack, cause } = value;
  const record: Record<string, unknown> = { name, message: text(message, scrub), stack: text(stack, scrub) };
  const more = value as unknown as Record<string, unknown>;
  for (const property of ['code', 'syscall', 'severity', 'constraint', 'table', 'routine']) {
    if (typeof more[property] === 'string') record[property] = text(more[property], scrub);
  }
  if (cause !== undefined && depth < 4) record['cause'] = errorRecord(cause, scrub, depth + 1);
  return record;
}

const MASK = '[redacted]';

/** Beneath the allow-list, for prose: an error message may quote what it choked on. */
const SHAPES: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(-----END [A-Z ]*PRIVATE KEY-----|$)/g, MASK],
  [/([a-z][a-z0-9+.-]*:\/\/[^\s:/@]*):[^\s@/]+@/gi, `$1:${MASK}@`],
  [/\b(Bearer|Basic)\s+[\w.~+/=-]{8,}/gi, `$1 ${MASK}`],
];

/** `secrets`: the values of the secret configuration keys, struck out wherever they turn up. */
export function scrubber(secrets: readonly string[]): Scrub {
  const known = secrets.filter((secret) => secret.length >= 4);
  return (value) => {
    let clean = value;
    for (const secret of known) clean = clean.replaceAll(secret, MASK);
    for (const [shape, replacement] of SHAPES) clean = clean.replace(shape, replacement);
    return clean;
  };
}
