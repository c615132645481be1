import { decodePem } from '@licet/format';
import { z } from 'zod';
import { bundleOf } from '../../licensing/licenses/bundle.ts';
import type { IssuedLicense } from '../../licensing/ports/issuance.ts';
import { instant } from './wire.ts';

/** Room for a PKCS#10 request of 16 KiB as PEM. */
const REQUEST_CHARACTERS = 24 * 1024;

/** A request as tools write it: PEM with either label. */
export const csrPem = z
  .string()
  .max(REQUEST_CHARACTERS)
  .transform((text, context): Uint8Array => {
    try {
      const [block, ...more] = decodePem(text);
      if (block !== undefined && more.length === 0 && REQUEST_LABELS.includes(block.label)) return block.bytes;
    } catch {
      // One sentence for all that is no request: below.
    }
    context.addIssue({
      code: 'custom',
      message: 'must be one PEM block "CERTIFICATE REQUEST", as openssl req writes it',
    });
    return z.NEVER;
  })
  .meta({
    description: 'A PKCS#10 request as PEM. Only its key is taken; names and rights come from the contract.',
    contentMediaType: 'application/pkcs10',
    example: '-----BEGIN CERTIFICATE REQUEST-----\nMIHr…\n-----END CERTIFICATE REQUEST-----\n',
  });

const REQUEST_LABELS: readonly string[] = ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'];

export const licenseView = z
  .strictObject({
    serial: z.string().meta({ description: 'Lower-case hexadecimal.' }),
    notBefore: instant,
    notAfter: instant,
    pem: z.string().meta({ description: 'The license with its chain, the root last: the content of `site.lic`.' }),
  })
  .meta({ id: 'IssuedLicense' });

export const licenseJson = ({ serial, notBefore, notAfter, chain }: IssuedLicense): z.output<typeof licenseView> => ({
  serial,
  notBefore: notBefore.toISOString(),
  notAfter: notAfter.toISOString(),
  pem: bundleOf({ chain }),
});

export const licenseExample = {
  serial: '31d1e2c4a9b8',
  notBefore: '2026-01-02T09:00:00.000Z',
  notAfter: '2026-02-01T09:00:00.000Z',
  pem: '-----BEGIN CERTIFICATE-----\nMIIC…\n-----END CERTIFICATE-----\n',
};

/** A license as it lies on disk; with its chain it has some 10 KB. */
const LICENSE_CHARACTERS = 64 * 1024;

export const licensePem = z.string().min(1).max(LICENSE_CHARACTERS).meta({
  description: 'The content of `site.lic`: PEM, the license itself first.',
  contentMediaType: 'application/x-pem-file',
  example: licenseExample.pem,
});

/** What issuing can be refused for: by what is in force, by the request, and because the authority cannot now. */
export const ISSUE_REFUSALS = {
  ORGANIZATION_SUSPENDED: 403,
  ENTERPRISE_SUSPENDED: 403,
  ENTERPRISE_CLOSED: 403,
  CONTRACT_DRAFT: 403,
  CONTRACT_SUSPENDED: 403,
  CONTRACT_ENDED: 403,
  TERM_NOT_BEGUN: 403,
  TERM_ENDED: 403,
  CSR_INVALID: 400,
  CSR_SIGNATURE: 400,
  CSR_TOO_LARGE: 400,
  CSR_ASKS_FOR_CA: 400,
  KEY_WEAK: 400,
  KEY_BLOCKED: 400,
  NAME_INVALID: 400,
  KEY_REUSED: 409,
  CLAIMS_ABOVE_PARENT: 409,
  AUTHORITY_DELEGATED: 409,
  BINDING_NEEDED: 409,
  REQUEST_PENDING: 503,
  ENROLMENT_UNDER_WAY: 503,
  AUTHORITY_MISSING: 503,
  KEY_UNKNOWN: 503,
  SIGNER_UNAVAILABLE: 503,
  JOURNAL_FULL: 503,
  ISSUER_NOT_VALID: 503,
  ISSUER_ENDED: 503,
  ISSUER_CHANGED: 503,
} as const;

/** The same of a first license, whose request must name nothing else than the license will. */
export const FIRST_REFUSALS = { ...ISSUE_REFUSALS, SUBJECT_MISMATCH: 403, SAN_MISMATCH: 403 } as const;
