import { MODES } from '@licet/format';
import { z } from 'zod';
import { exchangeIdentity, exchangeInput } from '../../licensing/identity/exchange.ts';
import { createTrustRule, listTrustRules, switchTrustRule } from '../../licensing/identity/rules.ts';
import { type TrustRule, trustRuleInput } from '../../licensing/identity/trust-rule.ts';
import { bundleOf } from '../../licensing/licenses/bundle.ts';
import { spread } from '../retry-after.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { ids, pageExample } from './examples.ts';
import { listed, pageOf, pageQuery } from './paging.ts';
import { csrPem, ISSUE_REFUSALS, licenseExample } from './pem.ts';
import { idParams, instant } from './wire.ts';

const ruleView = z
  .strictObject({
    id: z.uuid(),
    createdAt: instant,
    updatedAt: instant,
    version: z.int().positive(),
    name: z.string(),
    status: z.enum(['active', 'off']),
    enterprise: z.uuid(),
    contract: z.uuid(),
    mode: z.enum(MODES),
    issuer: z.string(),
    audience: z.string(),
    keys: z.string().optional(),
    conditions: z.record(z.string(), z.array(z.string())),
    siteClaim: z.string(),
    lifetime: z.int().meta({ description: 'Of each license, in seconds.' }),
  })
  .meta({ id: 'TrustRule' });

function ruleJson(rule: TrustRule): z.output<typeof ruleView> {
  const { organization: _, keys, conditions, createdAt, updatedAt, ...rest } = rule;
  return {
    ...rest,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    ...(keys !== undefined && { keys }),
    conditions: Object.fromEntries(Object.entries(conditions).map(([claim, values]) => [claim, [...values]])),
  };
}

const wanted = {
  name: 'Builds of the press',
  contract: ids.CONTRACT,
  mode: 'development',
  issuer: 'https://token.actions.githubusercontent.com',
  audience: 'https://licet.example',
  conditions: { repository_id: ['74'], repository_owner_id: ['1'] },
  siteClaim: 'repository_id',
  lifetime: 7200,
};
const example = {
  id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f12',
  createdAt: '2026-01-02T09:00:00.000Z',
  updatedAt: '2026-01-02T09:00:00.000Z',
  version: 1,
  status: 'active',
  enterprise: ids.ENTERPRISE,
  ...wanted,
};

/** Whom to trust is a matter of the organization itself, so it takes who may change its settings. */
const ruleEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/trust-rules',
    operation: 'listTrustRules',
    tag: 'Enrolment',
    summary: 'List whose builds and workloads get licenses',
    action: 'organization.read',
    query: pageQuery,
    status: 200,
    answer: pageOf(ruleView),
    example: { answer: pageExample(example) },
    run: ({ principal, query }, { licensing, identity }) =>
      listTrustRules({ ...licensing, ...identity }, principal, listed(query)),
    reply: ({ items, next }) => ({ body: { items: items.map(ruleJson), ...(next !== undefined && { next }) }, next }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/trust-rules',
    operation: 'createTrustRule',
    tag: 'Enrolment',
    summary: 'Give licenses to the builds or workloads that an issuer vouches for',
    action: 'organization.change',
    body: trustRuleInput,
    repeats: () => 'in-transaction',
    status: 201,
    answer: ruleView,
    example: { body: wanted, answer: example },
    refusals: { CONTRACT_NOT_FOUND: 404, CONTRACT_NOT_ACTIVE: 409, TRUST_RULE_EXISTS: 409 },
    run: ({ principal, body }, { licensing, identity }) =>
      createTrustRule({ ...licensing, ...identity }, principal, body),
    reply: (rule) => ({ body: ruleJson(rule), version: rule.version }),
  }),
  endpoint({
    method: 'PUT',
    path: '/api/v1/trust-rules/:id/status',
    operation: 'switchTrustRule',
    tag: 'Enrolment',
    summary: 'Switch a trust rule on or off',
    description: 'Off: nobody gets a license by it any more. Those that were given end by themselves, within hours.',
    action: 'organization.change',
    params: idParams,
    body: z.strictObject({ status: z.enum(['active', 'off']) }),
    status: 200,
    answer: ruleView,
    example: { body: { status: 'off' }, answer: { ...example, status: 'off', version: 2 } },
    refusals: { TRUST_RULE_NOT_FOUND: 404, VERSION_STALE: 412 },
    run: ({ principal, params: { id }, body: { status } }, { licensing, identity }) =>
      switchTrustRule({ ...licensing, ...identity }, principal, { id, status }),
    reply: (rule) => ({ body: ruleJson(rule), version: rule.version }),
  }),
];

/** Below the least time after which anybody is told to ask again. */
const CACHED = 'public, max-age=60';

const TOKEN_REFUSALS = {
  IDENTITY_MALFORMED: 403,
  IDENTITY_ISSUER_UNKNOWN: 403,
  IDENTITY_NOT_TRUSTED: 403,
  IDENTITY_AUDIENCE: 403,
  IDENTITY_NOT_YET: 403,
  IDENTITY_EXPIRED: 403,
  IDENTITY_CLAIM: 403,
  IDENTITY_CLAIM_MISSING: 403,
  IDENTITY_KEY_UNKNOWN: 403,
  IDENTITY_ALGORITHM: 403,
  IDENTITY_SIGNATURE: 403,
  IDENTITY_USED: 403,
  IDENTITY_CONTRACT: 403,
  IDENTITY_MODE: 403,
  IDENTITY_KEYS_UNAVAILABLE: 503,
  SITE_SUSPENDED: 403,
  CONTRACT_NOT_ACTIVE: 409,
  MODE_NOT_SOLD: 409,
  SITE_CAP_REACHED: 409,
  POOL_UNKNOWN: 409,
  POOL_EXHAUSTED: 409,
} as const;

export const identityEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/identities/exchange',
    operation: 'exchangeIdentity',
    tag: 'Enrolment',
    summary: 'A short license for a build or a workload, by its identity token',
    description:
      'The token (OpenID Connect) says who asks, and a trust rule of the organization whether that is enough. It is used once; the same token with the same request gets the same license.',
    // The token is what is judged; who shows it needs no account.
    action: 'anyone',
    body: exchangeInput.extend({ csr: csrPem }),
    bodyBytes: 64 * 1024,
    status: 201,
    answer: z.strictObject({
      serial: z.string(),
      site: z.string(),
      notAfter: instant,
      license: z.string().meta({ description: 'As `site.lic`: the license, then the CAs above it, as PEM.' }),
    }),
    example: {
      body: {
        organization: 'acme',
        token: 'eyJhbGciOiJSUzI1NiJ9.e30.c2lnbmF0dXJl',
        csr: '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n',
      },
      answer: {
        serial: licenseExample.serial,
        site: 'ci-74-6fd1a2',
        notAfter: '2026-01-02T11:00:00.000Z',
        license: licenseExample.pem,
      },
    },
    // Anyone may ask, so no guard stands before it that would say so.
    refusals: { ...TOKEN_REFUSALS, ...ISSUE_REFUSALS, FENCED: 503 },
    run: ({ body }, { licensing, identity }) => exchangeIdentity({ ...licensing, ...identity }, body),
    reply: ({ chain, notAfter, serial, site }) => ({
      body: {
        serial,
        site,
        notAfter: notAfter.toISOString(),
        license: bundleOf({ chain }),
      },
    }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/renewal-info/:name',
    operation: 'readRenewalInfo',
    tag: 'Enrolment',
    summary: 'When a license should be renewed',
    description:
      'As RFC 9773 has it for ACME; Retry-After says when to ask again. A serial has 128 random bits, and the answer says nothing but times.',
    action: 'anyone',
    params: z.strictObject({
      name: z
        .string()
        .min(1)
        .max(200)
        .meta({ description: 'The serial in hexadecimal, or the identifier of RFC 9773 4.1.' }),
    }),
    status: 200,
    answer: z.strictObject({
      suggestedWindow: z.strictObject({ start: instant, end: instant }),
      explanation: z.string().optional().meta({ description: 'For a person: why the window is not the usual one.' }),
    }),
    example: {
      params: { name: licenseExample.serial },
      answer: { suggestedWindow: { start: '2026-01-17T09:00:00.000Z', end: '2026-01-19T01:00:00.000Z' } },
    },
    refusals: { LICENSE_NOT_FOUND: 404, BUSY: 503 },
    async run({ params: { name } }, { licensing, identity }) {
      const window = await identity.renewalInfo(name);
      // Never more than it should be, so that an incident is heard of in time.
      return { ...window, wait: Math.ceil(spread(window.retryAfterSeconds, licensing.random) / 2) };
    },
    reply: ({ start, end, explanation, wait }) => ({
      body: {
        suggestedWindow: { start: start.toISOString(), end: end.toISOString() },
        ...(explanation !== undefined && { explanation }),
      },
      headers: { 'Retry-After': String(wait), 'Cache-Control': CACHED },
    }),
  }),
  ...ruleEndpoints,
];
