import { z } from 'zod';

const perSecond = (fallback: number, who: string) =>
  z
    .number()
    .min(0.01)
    .max(1_000_000)
    .default(fallback)
    .describe(`Requests per second of ${who}; twice as many at once.`);

const limits = z
  .strictObject({
    organizationPerSecond: perSecond(10_000, 'one organization'),
    tokenPerSecond: perSecond(10_000, 'one API token'),
    sitePerSecond: perSecond(20, 'one site by its license'),
    addressPerSecond: perSecond(5000, 'one IPv4 address or IPv6 /64, whoever it is'),
  })
  .prefault({})
  .describe('What is answered with 429 beyond. Each server process counts for itself.');

const sessions = z
  .strictObject({
    accessMinutes: z.number().min(1).max(60).default(10).describe('How long an access token of a person is good for.'),
    idleHours: z
      .number()
      .min(0.1)
      .max(720)
      .default(24)
      .describe('How long a session may lie still; then sign in anew.'),
    totalDays: z.number().min(0.1).max(90).default(14).describe('How long a session may last in all.'),
  })
  .prefault({})
  .describe('How long people stay signed in.');

export const accessSection = z
  .strictObject({
    sealingKey: z
      .string()
      .regex(/^[0-9a-f]{64}$/)
      .meta({ secret: true, allowed: '64 hexadecimal digits' })
      .optional()
      .describe(
        'Seals what must be read again, in the database: second factors, secrets towards identity providers and webhooks, ' +
          'and answers that are kept. Several servers need the same. Default: made at the first start, in `access.key` of `data.folder`.',
      ),
    issuers: z
      .array(z.union([z.literal('*'), z.url({ protocol: /^https$/ })]))
      .meta({ allowed: 'a list of https:// URLs, or *' })
      .default([])
      .describe(
        'The OpenID Connect issuers that organizations may let their people sign in by, letter by letter. See `identities.privateIssuers`.',
      ),
    sessions,
    limits,
  })
  .prefault({})
  .describe('Who gets in, and how often.');
