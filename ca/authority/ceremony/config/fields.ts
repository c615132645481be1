import {
  CLAIMS_LIMITS,
  type Claims,
  compareCodes,
  DEGRADES,
  ENFORCES,
  MODES,
  parseSerial,
  SCOPES,
} from '@licet/format';
import { z } from 'zod';
import { REVOCATION_REASONS } from '../../ports/revocation.ts';
import { ALL_ALGORITHMS } from '../../profiles/profile.ts';
import { plainHash } from '../words.ts';

const UNPRINTABLE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u;

/** One line for a transcript: nothing in it can pretend to be another line. */
export const line = z
  .string()
  .min(1)
  .max(200)
  .refine((text) => !UNPRINTABLE.test(text), 'must be one line of printable characters');

/** Relative to the folder of the YAML file. */
export const path = line;

export const instant = z
  .string()
  .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/, 'must be a time such as 2027-01-31T00:00:00Z')
  .transform((text) => new Date(text))
  .refine((time) => !Number.isNaN(time.getTime()), 'must be a time that exists');

export const fingerprint = z
  .string()
  .transform(plainHash)
  .refine((text) => /^[0-9a-f]{64}$/.test(text), 'must be a SHA-256 fingerprint of 64 hexadecimal digits');

export const algorithm = z.enum(ALL_ALGORITHMS as [(typeof ALL_ALGORITHMS)[number]]);

/** Without a slash at its end, since paths are put behind it byte for byte. Plain http: RFC 5280 §8 warns of the circle. */
export const base = z
  .string()
  .max(200)
  .regex(/^http:\/\/[\w.-]+(?::\d+)?(?:\/[\w./-]*[\w-])?$/, 'must be an http:// address without a slash at its end');

const count = z.int().min(0).max(CLAIMS_LIMITS.integer);
const code = z.string().min(1).max(CLAIMS_LIMITS.string);

export const claims = z
  .strictObject({
    id: z.uuid().transform((id) => id.toLowerCase()),
    sequence: count.min(1).default(1),
    modes: z.array(z.enum(MODES)).min(1),
    tier: z.strictObject({ rank: count.max(CLAIMS_LIMITS.rank), code }),
    features: z.array(code).min(1),
    limits: z
      .array(
        z.strictObject({
          code,
          max: z.union([z.literal('unlimited'), count]),
          scope: z.enum(SCOPES),
          enforce: z.enum(ENFORCES),
        }),
      )
      .default([]),
    term: z.strictObject({ from: instant, to: instant }),
    grace: count,
    contact: count,
    degrade: z.enum(DEGRADES),
    binding: z.strictObject({ need: count.min(1).max(CLAIMS_LIMITS.digests) }).optional(),
    reporting: z.strictObject({ every: count.min(1), required: z.boolean() }).optional(),
  })
  .transform(({ modes, features, limits, binding, reporting, ...rest }): Claims => {
    return {
      ...rest,
      // In the one order that the encoding has, so that nobody needs to know it.
      modes: MODES.filter((mode) => modes.includes(mode)),
      features: [...new Set(features)].toSorted(compareCodes),
      limits: limits.toSorted((a, b) => compareCodes(a.code, b.code)),
      ...(binding && { binding: { need: binding.need, digests: 'any' as const } }),
      ...(reporting && { reporting }),
    };
  });

export const pkcs11 = z.strictObject({ module: path, library: path, token: line, pinFile: path });

/** Without `credentialsFile`, those that AWS gives to this container or machine. */
export const awsKms = z.strictObject({
  region: line,
  endpoint: z.url().optional(),
  credentialsFile: path.optional(),
  profile: line.optional(),
});

const WAYS = ['shares', 'passphraseFile', 'pkcs11', 'awsKms'] as const;

/** A signer's folder and the one way in which it opens. */
export const signer = z
  .strictObject({
    folder: path,
    shares: z.array(path).min(2).optional(),
    passphraseFile: path.optional(),
    pkcs11: pkcs11.optional(),
    awsKms: awsKms.optional(),
  })
  .refine(
    (given) => WAYS.filter((way) => given[way] !== undefined).length === 1,
    `must have exactly one of ${WAYS.join(', ')}`,
  );

/** The key that signs: its certificate first and its root last, and where it publishes. */
export const issuer = z.strictObject({
  signer,
  chain: path,
  publish: base,
  /** How many CRLs it has; a root has one. */
  shards: z.int().min(1).max(1024).default(1),
});

export const subject = z.strictObject({
  organization: line,
  enterprise: line.optional(),
  commonName: line,
});

export const revocation = z.strictObject({
  serial: z
    .string()
    .transform((text) => parseSerial(text.replaceAll(/\s/g, '')) ?? '')
    .refine((serial) => serial !== '', 'must be a serial number in hexadecimal digits'),
  at: instant,
  reason: z.enum(REVOCATION_REASONS),
  invalidSince: instant.optional(),
});

/** Every ceremony: who is there, and the folder that it makes and that must not exist yet. */
export const common = {
  witnesses: z.array(z.strictObject({ name: line, role: line })).min(1),
  output: path,
};

export const shares = z.strictObject({
  needed: z.int().min(2),
  custodians: z.array(line).min(2).max(255),
});

export const rootKey = {
  algorithm,
  subject: subject.omit({ enterprise: true }),
  until: instant.optional(),
  publish: base,
  shares: shares.optional(),
  pkcs11: pkcs11.optional(),
};
