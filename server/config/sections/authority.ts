import { z } from 'zod';

const ALGORITHMS = ['P-256', 'P-384', 'RSA-3072', 'Ed25519', 'ML-DSA-65'] as const;
const EVALUATION = ['auto', 'on', 'off'] as const;

export const authoritySection = z
  .strictObject({
    publicUrl: z
      .url({ protocol: /^http$/ })
      .meta({ allowed: 'an http:// URL' })
      .optional()
      .describe(
        'Where everybody reaches `/ca`, `/crl` and `/ocsp` of this server over plain HTTP: it stands in every ' +
          'certificate, for as long as that lives. Plain, because whoever checks a certificate must not need one for ' +
          'it (RFC 5280 8). Default: localhost with the port of `http.plain`.',
      ),
    crlShards: z
      .int()
      .min(1)
      .max(4096)
      .default(4)
      .describe('Over how many CRLs the certificates of each new CA are spread; known CAs keep their number.'),
    algorithm: z.enum(ALGORITHMS).default('P-256').describe('The algorithm of the keys of new CAs.'),
    evaluation: z
      .enum(EVALUATION)
      .default('auto')
      .describe(
        'Whether a server without any authority makes a throw-away hierarchy for itself, whose root is not offline. ' +
          '`auto`: with the embedded database, and not with PostgreSQL.',
      ),
    organization: z
      .string()
      .regex(/^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/)
      .meta({ allowed: 'a short name: letters a to z, digits and hyphens' })
      .default('demo')
      .describe('The organization of that throw-away hierarchy, by its short name.'),
  })
  .prefault({})
  .describe('The authority: what its certificates say, and how new CAs are made.');
