import { type Certificate, decodeCertificate, decodePem, FormatError, toHex } from '@licet/format';
import { z } from 'zod';
import { LicetError } from '../../licensing/errors.ts';
import { namesPredecessor, presentByProof, type Presented } from '../../licensing/identity/present-license.ts';
import { readCsr } from '../../licensing/read-csr.ts';
import { type Endpoint, endpoint, type Use } from './endpoint.ts';
import { csrPem, ISSUE_REFUSALS, licenseExample, licenseJson, licensePem, licenseView } from './pem.ts';

function leafOf(pem: string): Certificate {
  try {
    return decodeCertificate(decodePem(pem, 'CERTIFICATE')[0]!.bytes);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new LicetError('invalid', 'LICENSE_MALFORMED', `The license cannot be read: ${error.message}`, {
      pointer: '/license',
    });
  }
}

const shown = z.looseObject({ license: licensePem });

/** Before anything else is done with it; what is wrong with it is said later. */
function endsAt(body: Buffer): Date | undefined {
  try {
    return leafOf(shown.parse(JSON.parse(body.toString('utf8'))).license).notAfter;
  } catch {
    return undefined;
  }
}

async function vouchedFor({ records }: Use, csr: Uint8Array): Promise<Presented> {
  const request = readCsr(csr);
  if (namesPredecessor(request)) return presentByProof(request, records);
  const message = 'The request does not say which license it renews; send that too.';
  throw new LicetError('invalid', 'LICENSE_NEEDED', message, { pointer: '/license' });
}

export const keyEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/keys/refresh',
    operation: 'refreshKey',
    tag: 'License server',
    summary: 'Renew a license',
    description:
      'The old license and a request in, the new license out; the old one is superseded. The same request for the same license gets the same answer; another request for it is a second machine, and says so. A request that names its license itself, and is vouched for by its key (as `licet-agent request` makes it), needs no `license` beside it.',
    action: 'license.renew',
    endsAt,
    body: z.strictObject({ license: licensePem.optional(), csr: csrPem }),
    status: 200,
    answer: z.strictObject({ license: licenseView }),
    example: {
      body: {
        license: licenseExample.pem,
        csr: '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n',
      },
      answer: { license: licenseExample },
    },
    refusals: {
      LICENSE_MALFORMED: 400,
      LICENSE_NEEDED: 400,
      LICENSE_UNKNOWN: 403,
      LICENSE_NOT_VALID: 403,
      LICENSE_SUSPENDED: 403,
      PROOF_WRONG: 403,
      LICENSE_NOT_FOUND: 404,
      SITE_RETIRED: 403,
      SITE_SUSPENDED: 403,
      LICENSE_REVOKED: 403,
      LICENSE_EXPIRED: 403,
      LICENSE_NOT_RENEWED: 403,
      CLONE_SUSPECTED: 403,
      RENEWED_TOO_OFTEN: 429,
      RENEWAL_UNDER_WAY: 503,
      BUSY: 503,
      ...ISSUE_REFUSALS,
    },
    run: async ({ principal, body: { license, csr } }, use) => {
      if (license !== undefined) return use.renew(principal, { predecessor: toHex(leafOf(license).serial), csr });
      const { serial: predecessor, renewal } = await vouchedFor(use, csr);
      return use.renew(principal, { predecessor, csr }, renewal);
    },
    reply: (license) => ({ body: { license: licenseJson(license) } }),
  }),
];
