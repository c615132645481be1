import { type Claims, DEGRADES, MODES } from '@licet/format';
import { z } from 'zod';
import { limit } from '../../licensing/fields.ts';
import type { validateLicense } from '../../licensing/licenses/validate.ts';
import { instant } from './wire.ts';

export type Verdict = Awaited<ReturnType<ReturnType<typeof validateLicense>>>;

export const claimsView = z
  .strictObject({
    id: z.string(),
    sequence: z.int(),
    modes: z.array(z.enum(MODES)),
    tier: z.strictObject({ rank: z.int(), code: z.string() }),
    features: z.array(z.string()),
    limits: z.array(limit),
    term: z.strictObject({ from: instant, to: instant }),
    grace: z.int().meta({ description: 'Seconds that it works after it has expired.' }),
    contact: z.int().meta({ description: 'Seconds that it works without fresh evidence.' }),
    degrade: z.enum(DEGRADES),
    binding: z.strictObject({ need: z.int(), digests: z.union([z.array(z.string()), z.literal('any')]) }).optional(),
    reporting: z.strictObject({ every: z.int(), required: z.boolean() }).optional(),
  })
  .meta({ id: 'Claims' });

export const verdictView = z
  .strictObject({
    usable: z.boolean().meta({ description: 'The license allows what was asked for, now.' }),
    state: z.enum(['valid', 'renew-soon', 'in-grace', 'insufficient', 'restricted', 'stopped', 'invalid']),
    codes: z.array(
      z.strictObject({
        code: z.string(),
        severity: z.enum(['info', 'warning', 'error']),
        conclusive: z.boolean().meta({ description: 'What is not conclusive never turns a paid product off.' }),
        claim: z.string().optional(),
        detail: z.string(),
      }),
    ),
    effective: claimsView.optional(),
    mode: z.enum(MODES).optional(),
    watermark: z.boolean().meta({ description: 'The product must show that it runs for development only.' }),
    holder: z
      .strictObject({
        organization: z.string().optional(),
        enterprise: z.string().optional(),
        site: z.string().optional(),
        uri: z.string(),
        serial: z.string(),
      })
      .optional(),
    expiresAt: instant.optional(),
    graceUntil: instant.optional(),
    nextCheckAt: instant.meta({ description: 'Keep the verdict until then, and ask again.' }),
    evidence: z.strictObject({ kind: z.enum(['ocsp', 'crl', 'issue', 'none']), age: z.int().optional() }),
  })
  .meta({ id: 'Verdict' });

type Json = z.output<typeof verdictView>;

export const claimsJson = ({
  term,
  modes,
  features,
  limits,
  binding,
  ...rest
}: Claims): z.output<typeof claimsView> => ({
  ...rest,
  modes: [...modes],
  features: [...features],
  limits: limits.map((one) => ({ ...one })),
  term: { from: term.from.toISOString(), to: term.to.toISOString() },
  ...(binding && {
    binding: { need: binding.need, digests: binding.digests === 'any' ? 'any' : [...binding.digests] },
  }),
});

export function verdictJson({ usable, state, codes, watermark, evidence, nextCheckAt, ...rest }: Verdict): Json {
  const { effective, mode, holder, expiresAt, graceUntil } = rest;
  return {
    usable,
    state,
    codes: codes.map((finding) => ({ ...finding })),
    ...(effective && { effective: claimsJson(effective) }),
    ...(mode !== undefined && { mode }),
    watermark,
    ...(holder && { holder: JSON.parse(JSON.stringify(holder)) as NonNullable<Json['holder']> }),
    ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
    ...(graceUntil && { graceUntil: graceUntil.toISOString() }),
    nextCheckAt: nextCheckAt.toISOString(),
    evidence: { kind: evidence.kind, ...(evidence.age !== undefined && { age: Math.floor(evidence.age) }) },
  };
}
