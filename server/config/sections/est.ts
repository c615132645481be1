import { z } from 'zod';
import { filePath } from '../fields.ts';

export const estSection = z
  .strictObject({
    requireChannelBinding: z
      .boolean()
      .default(false)
      .describe(
        'Refuse requests whose challengePassword does not bind them to their TLS session (RFC 7030 §3.5). Few clients can; what is there is checked in any case.',
      ),
    serverKeyGeneration: z
      .boolean()
      .default(false)
      .describe('Make keys for sites that cannot (serverkeygen). The key then has been in two places: leave it off.'),
  })
  .prefault({})
  .describe('Enrolment over Secure Transport, at /.well-known/est/.');

export const identitiesSection = z
  .strictObject({
    privateIssuers: z
      .array(z.hostname())
      .meta({ allowed: 'a list of host names' })
      .default([])
      .describe('Hosts of OpenID issuers that may have private addresses; all others must be public.'),
    ca: filePath()
      .optional()
      .describe('PEM file: the CAs that vouch for those hosts. Read at the start; without it the public CAs.'),
  })
  .prefault({})
  .describe(
    'Identity tokens of builds and clouds, exchanged for short licenses. Whom to trust is data of each organization.',
  );
