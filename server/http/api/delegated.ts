import { encodePem } from '@licet/format';
import { z } from 'zod';
import { delegateContract, revokeDelegated } from '../../licensing/contracts/delegate.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { APPROVAL_REFUSALS, JOURNAL_REFUSALS } from './guarded.ts';
import { csrPem, ISSUE_REFUSALS, licenseExample } from './pem.ts';
import { idParams, instant } from './wire.ts';

const authorityView = z
  .strictObject({
    serial: z.string().meta({ description: 'Lower-case hexadecimal.' }),
    notBefore: instant,
    notAfter: instant,
    pem: z.string().meta({ description: 'The certificate of the CA, then those above it, the root last.' }),
  })
  .meta({ id: 'DelegatedAuthority' });

const { BINDING_NEEDED: _, AUTHORITY_DELEGATED: __, ...REFUSALS } = ISSUE_REFUSALS;
const REQUEST = '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n';

/** CAs of enterprises that keep their keys themselves, on servers of their own. */
export const delegatedEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/contracts/:id/authority',
    operation: 'delegateContract',
    tag: 'Customers',
    summary: "Certify the enterprise's own CA for a contract",
    description:
      'For an enterprise that runs this server itself and keeps the key of its CA: what its "licet authority enterprise request" wrote, in; the chain for its "licet authority enterprise accept", out. From then on the sites of this contract get their licenses there. Compare the fingerprint of the request by another way first.',
    action: 'authority.create',
    params: idParams,
    body: z.strictObject({ csr: csrPem }),
    changesVersion: true,
    repeats: () => 'by-content',
    status: 200,
    answer: z.strictObject({ authority: authorityView }),
    example: { body: { csr: REQUEST }, answer: { authority: licenseExample } },
    refusals: {
      CONTRACT_NOT_FOUND: 404,
      ENTERPRISE_NOT_FOUND: 404,
      ORGANIZATION_NOT_FOUND: 404,
      AUTHORITY_EXISTS: 409,
      ...REFUSALS,
      ...APPROVAL_REFUSALS,
    },
    run: ({ principal, params, body, version }, { licensing }) =>
      delegateContract(licensing)(principal, { id: params.id, version, csr: body.csr }),
    reply: ({ serial, notBefore, notAfter, chain }) => ({
      body: {
        authority: {
          serial,
          notBefore: notBefore.toISOString(),
          notAfter: notAfter.toISOString(),
          pem: chain.map((der) => encodePem('CERTIFICATE', der)).join(''),
        },
      },
    }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/contracts/:id/authority/revoke',
    operation: 'revokeDelegated',
    tag: 'Customers',
    summary: "Revoke the enterprise's own CA of a contract",
    description:
      'For good, and with it every license below it. Said in the CRL of the organization CA, and by its OCSP.',
    action: 'authority.revoke',
    params: idParams,
    body: revokeDelegated.input.omit({ id: true, version: true }),
    changesVersion: true,
    status: 200,
    answer: z.strictObject({ revoked: z.int().meta({ description: 'How many certificates of it were good before.' }) }),
    example: { body: { reason: 'keyCompromise' }, answer: { revoked: 1 } },
    refusals: {
      CONTRACT_NOT_FOUND: 404,
      ENTERPRISE_NOT_FOUND: 404,
      ...JOURNAL_REFUSALS,
      ...APPROVAL_REFUSALS,
    },
    run: ({ principal, params, body, version }, { licensing }) =>
      revokeDelegated(licensing)(principal, { ...body, id: params.id, version }),
    reply: ({ revoked }) => ({ body: { revoked } }),
  }),
];
