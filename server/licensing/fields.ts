import { decodePem, DEGRADES, ENFORCES, FormatError, MODES, parseSerial, SCOPES, SERIAL_TEXT } from '@licet/format';
import { z } from 'zod';
import { SLUG } from './model/entity.ts';

/** Fields that several inputs have in common. Ids that are none are "not found" later: the same answer as a foreign one. */
export const reference = (thing: string) =>
  z
    .string()
    .min(1)
    .max(64)
    .describe(`The id of the ${thing}.`)
    .meta({ example: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f00' });

export const slug = (what: string) =>
  z
    .string()
    .regex(SLUG, 'must be lower-case letters, digits and inner hyphens, at most 40')
    .describe(`${what}; it stands in certificates and never changes.`)
    .meta({ example: 'globex' });

const UNPRINTABLE = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u;

/** Text that people read: what cannot be shown, or turns text around, is refused. */
export const text = (most: number) =>
  z
    .string()
    .min(1)
    .max(most)
    .refine((value) => value.isWellFormed() && !UNPRINTABLE.test(value), 'must be printable text');

export const displayName = text(200).describe('The name for people.').meta({ example: 'Globex Corporation' });

export const labels = z
  .record(
    text(64),
    z
      .string()
      .max(256)
      .refine((value) => value.isWellFormed() && !UNPRINTABLE.test(value)),
  )
  .refine((value) => Object.keys(value).length <= 32, 'must have at most 32 entries')
  .describe("The caller's own keys and values; never interpreted.")
  .meta({ example: { region: 'north' } });

export const version = z
  .number()
  .int()
  .positive()
  .optional()
  .describe('The version that the caller has seen (If-Match); a change of another version is refused.')
  .meta({ example: 3 });

export const mode = z.enum(MODES).describe('What the site is for.').meta({ example: 'production' });

export const code = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?$/, 'must be lower-case letters, digits, and inner . _ -, at most 32')
  .describe('A short name for machines.')
  .meta({ example: 'press' });

export const count = z.number().int().min(0).max(Number.MAX_SAFE_INTEGER);
export const seconds = count.meta({ example: 1_209_600 });
export const countOrUnlimited = z.union([count, z.literal('unlimited')]);

const NO_SERIAL = 'must be a serial number in hexadecimal';

/** However a program has printed it, it is as licenses are kept by it. */
export const serial = z
  .string()
  .regex(SERIAL_TEXT, NO_SERIAL)
  .transform((text, context) => {
    const meant = parseSerial(text);
    if (meant === undefined) context.issues.push({ code: 'custom', message: NO_SERIAL, input: text });
    return meant ?? '';
  })
  .meta({ example: '01f3a86c0d9be1447f52c0f6a9d3e85b17' });

export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be a SHA-256 digest in lower-case hexadecimal');

export const limit = z
  .strictObject({
    code: code.describe('The limit, as the catalog of the product names it.'),
    max: countOrUnlimited.describe('How much is licensed.').meta({ example: 10 }),
    scope: z.enum(SCOPES).describe('"each": every site may have that much; "pool": all live sites share it.'),
    enforce: z.enum(ENFORCES).describe('What a product does about use above it.'),
  })
  .meta({ example: { code: 'machines', max: 10, scope: 'each', enforce: 'soft' } });

export const degrade = z.enum(DEGRADES).describe('What happens when the right to run has lapsed.');

const REQUEST_MOST = 16 * 1024;

/** As bytes from EST, as text from the API. */
export const csr = z
  .union([
    z.instanceof(Uint8Array<ArrayBufferLike>),
    z
      .string()
      .max(2 * REQUEST_MOST)
      .transform((value, context) => {
        const bytes = requestBytes(value);
        if (bytes === undefined) context.issues.push({ code: 'custom', message: 'must be a CSR as PEM', input: value });
        return bytes ?? new Uint8Array();
      }),
  ])
  .refine((bytes) => bytes.length > 0 && bytes.length <= REQUEST_MOST, 'must be 1 byte to 16 KiB')
  .describe('A PKCS#10 certification request (PEM). Only its key is taken; names and rights come from the contract.')
  .meta({ example: '-----BEGIN CERTIFICATE REQUEST-----\n…\n-----END CERTIFICATE REQUEST-----' });

function requestBytes(value: string): Uint8Array | undefined {
  try {
    return decodePem(value, 'CERTIFICATE REQUEST')[0]?.bytes;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
