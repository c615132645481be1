import { CLAIMS_LIMITS, compareCodes, MODES } from '@licet/format';
import { z } from 'zod';
import { code, count, countOrUnlimited, degrade, limit, seconds } from '../fields.ts';

const feature = z
  .string()
  .max(CLAIMS_LIMITS.string)
  .regex(/^[a-z0-9][a-z0-9._-]*(\/[a-z0-9][a-z0-9._-]*)?$/, 'must be "product" or "product/feature"')
  .meta({ example: 'press/remote' });

/** Lists come in any order and leave in the one that claims have. */
const features = z
  .array(feature)
  .min(1)
  .max(CLAIMS_LIMITS.features)
  .refine((list) => new Set(list).size === list.length, 'must name each feature once')
  .transform((list) => list.toSorted(compareCodes))
  .describe('What is licensed: products, and features of products.');

const limits = z
  .array(limit)
  .max(CLAIMS_LIMITS.limits)
  .refine((list) => new Set(list.map((one) => one.code)).size === list.length, 'must name each limit once')
  .transform((list) => list.toSorted((a, b) => compareCodes(a.code, b.code)))
  .describe('Quantities; one that is not named is not licensed at all.');

const siteCaps = z
  .strictObject(Object.fromEntries(MODES.map((mode) => [mode, countOrUnlimited.optional()])) as CapFields)
  .transform((caps) => Object.fromEntries(Object.entries(caps).filter(([, cap]) => cap !== undefined)))
  .refine((caps) => Object.keys(caps).length > 0, 'must name at least one mode')
  .describe('How many live sites of each mode; a mode that is not named is not sold.')
  .meta({ example: { production: 5, development: 'unlimited' } });

type CapFields = Record<(typeof MODES)[number], z.ZodOptional<typeof countOrUnlimited>>;

/** The terms of a plan or of a contract, as they are asked for. */
export const termsInput = z
  .strictObject({
    tier: z
      .strictObject({ rank: count.max(CLAIMS_LIMITS.rank), code })
      .describe('The tier, as a catalog names it.')
      .meta({ example: { rank: 20, code: 'gold' } }),
    features,
    limits,
    siteCaps,
    modeChanges: z.boolean().describe('Whether a site may change its mode without a new order.'),
    graceSeconds: seconds.describe('How long a license works after it has expired.'),
    contactSeconds: seconds.describe('How long a site may be without fresh evidence.'),
    degrade,
    reporting: z
      .strictObject({ every: count.min(1), required: z.boolean() })
      .optional()
      .describe('How often usage is to be reported, in seconds.')
      .meta({ example: { every: 86_400, required: true } }),
    bindingNeed: count.max(CLAIMS_LIMITS.digests).describe('Fingerprints that a site must be bound to; 0: none.'),
  })
  .transform((terms) => ({ ...terms, reporting: terms.reporting }))
  .describe('What is sold.');

export const contractTermInput = z
  .strictObject({
    firstDay: z.string().max(10).describe('The first day, included.').meta({ example: '2026-01-01' }),
    lastDay: z.string().max(10).describe('The last day, included.').meta({ example: '2026-12-31' }),
    timeZone: z.string().max(64).describe('The zone in which these days are meant.').meta({ example: 'Europe/Berlin' }),
  })
  .describe('The commercial term, in days of a time zone.');
