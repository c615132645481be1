import { hash } from 'node:crypto';
import { MODES, toHex } from '@licet/format';
import { z } from 'zod';
import { boundsOf } from '../../licensing/access/authorize.ts';
import { decideEnrolment } from '../../licensing/enrolment/approval.ts';
import { createToken, enterpriseOf, withdrawToken } from '../../licensing/enrolment/create-token.ts';
import { issueByHand } from '../../licensing/enrolment/issue-by-hand.ts';
import { found } from '../../licensing/entities.ts';
import { LicetError } from '../../licensing/errors.ts';
import { type EnrolmentToken, enrolmentStatus, ENROLMENT_STATUSES } from '../../licensing/model/enrolment-token.ts';
import type { Principal } from '../../licensing/model/principal.ts';
import { reading } from '../../licensing/use-case.ts';
import { type Endpoint, endpoint, type Use } from './endpoint.ts';
import { ids, pageExample } from './examples.ts';
import { pageOf, pageQuery } from './paging.ts';
import { csrPem, FIRST_REFUSALS, licenseExample, licenseJson, licenseView } from './pem.ts';
import { idParams, instant } from './wire.ts';

const enrolmentView = z
  .strictObject({
    id: z.uuid(),
    status: z.enum(ENROLMENT_STATUSES),
    enterprise: z.uuid(),
    contract: z.uuid(),
    mode: z.enum(MODES),
    name: z.string().optional().meta({ description: 'The only name that the site may have.' }),
    site: z.uuid().optional(),
    isBound: z.boolean().meta({ description: 'Whether it is good on one machine only.' }),
    needsApproval: z.boolean(),
    asked: z
      .strictObject({
        at: instant,
        name: z.string().optional(),
        key: z.string().meta({
          description: 'SHA-256 of the public key in the request: `licet-agent enrol` shows the same at the site.',
        }),
      })
      .optional(),
    createdAt: instant,
    expiresAt: instant,
    usedAt: instant.optional(),
  })
  .meta({ id: 'Enrolment' });

const kitView = z
  .strictObject({
    version: z.literal(1),
    servers: z.array(z.string()),
    label: z.string(),
    rootFingerprint: z.string(),
    token: z.string(),
    machine: z.literal(true).optional().meta({ description: 'The license is bound to the machine that enrols.' }),
  })
  .meta({ id: 'EnrolmentKit' });

const madeView = z.strictObject({
  enrolment: enrolmentView,
  kit: kitView.meta({ description: 'What `licet-agent enrol --kit` reads. It holds the token: shown this once.' }),
});

const viewOf = (it: EnrolmentToken, at: Date): z.output<typeof enrolmentView> => ({
  id: it.id,
  status: enrolmentStatus(it, at),
  enterprise: it.enterprise,
  contract: it.contract,
  mode: it.mode,
  ...(it.name !== undefined && { name: it.name }),
  ...(it.site !== undefined && { site: it.site }),
  isBound: it.fingerprint !== undefined,
  needsApproval: it.approval !== undefined,
  ...(it.asked && {
    asked: {
      at: it.asked.at.toISOString(),
      key: toHex(Uint8Array.from(it.asked.key)),
      ...(it.asked.name !== undefined && { name: it.asked.name }),
    },
  }),
  createdAt: it.createdAt.toISOString(),
  expiresAt: it.expiresAt.toISOString(),
  ...(it.usedAt && { usedAt: it.usedAt.toISOString() }),
});

const example = {
  id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f06',
  status: 'open',
  enterprise: ids.ENTERPRISE,
  contract: ids.CONTRACT,
  mode: 'production',
  name: 'plant-1',
  site: ids.SITE,
  isBound: false,
  needsApproval: false,
  createdAt: '2026-01-02T09:00:00.000Z',
  expiresAt: '2026-01-03T09:00:00.000Z',
};
const exampleKit = {
  version: 1,
  servers: ['https://licet.example'],
  label: 'globex.acme',
  rootFingerprint: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  token: 'licet-enrol.acme.6fJ0',
};

const clockOf = ({ licensing }: Use): Date => licensing.clock.now();

async function visible({ licensing }: Use, principal: Principal, id: string): Promise<EnrolmentToken> {
  const token = await reading(licensing, principal, (tx) => licensing.stores.tokens.get(tx, id));
  return found('token', token, principal, enterpriseOf);
}

/** All that a site has to know, put together by the one who knows it. */
async function kitOf(
  { licensing, access }: Use,
  it: EnrolmentToken,
  { token, root }: { readonly token: string; readonly root: Uint8Array },
): Promise<z.output<typeof kitView>> {
  const { enterprise, contract } = await reading(licensing, it, async (tx) => ({
    enterprise: found('enterprise', await licensing.stores.enterprises.get(tx, it.enterprise)),
    contract: found('contract', await licensing.stores.contracts.get(tx, it.contract)),
  }));
  const isBound = it.fingerprint !== undefined || contract.terms.bindingNeed > 0;
  return {
    version: 1,
    servers: [access.publicUrl()],
    label: `${enterprise.slug}.${it.organization}`,
    rootFingerprint: hash('sha256', root, 'hex'),
    token,
    ...(isBound && { machine: true }),
  };
}

const CREATE_REFUSALS = {
  SITE_NOT_FOUND: 404,
  SITE_NOT_LIVE: 409,
  SITE_OF_BUILDS: 409,
  CONTRACT_NOT_FOUND: 404,
  CONTRACT_NOT_ACTIVE: 409,
  MODE_NOT_SOLD: 409,
  AUTHORITY_MISSING: 409,
} as const;

export const enrolmentEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/enrolments',
    operation: 'listEnrolments',
    tag: 'Enrolment',
    summary: 'List enrolment tokens, never their secrets',
    action: 'enrolment.read',
    query: pageQuery.omit({ order: true }).extend({
      waiting: z.enum(['yes', 'no']).default('no').meta({ description: 'Only those that wait for approval.' }),
    }),
    status: 200,
    answer: pageOf(enrolmentView),
    example: { answer: pageExample(example) },
    async run({ principal, query: { limit, after, waiting } }, use) {
      const { enterprise } = boundsOf(principal, 'enrolment.read');
      const query = {
        limit,
        waiting: waiting === 'yes',
        ...(enterprise !== undefined && { enterprise }),
        ...(after !== undefined && { after }),
      };
      const page = await reading(use.licensing, principal, (tx) => use.licensing.stores.tokens.list(tx, query));
      return { items: page.items.map((it) => viewOf(it, clockOf(use))), next: page.next };
    },
    reply: ({ items, next }) => ({ body: { items, ...(next !== undefined && { next }) }, next }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/enrolments',
    operation: 'createEnrolment',
    tag: 'Enrolment',
    summary: 'Make an enrolment kit, with a one-time token',
    description:
      'For a site that is there (its first installation, or one anew on another machine), or for one that comes into being when the token is used, within a contract.',
    action: 'enrolment.create',
    body: createToken.input,
    status: 201,
    answer: madeView,
    example: {
      body: { site: ids.SITE, options: { lifetime: 86_400 } },
      answer: { enrolment: example, kit: exampleKit },
    },
    refusals: CREATE_REFUSALS,
    // Not repeatable: the kept answer would be the secret itself, in the clear.
    async run({ principal, body }, use) {
      boundsOf(principal, 'enrolment.create');
      const root = await use.identity.rootOf(principal.organization);
      if (root === undefined) {
        const message = 'The organization has no CA yet, so there is nothing to enrol with; import it or make one.';
        throw new LicetError('conflict', 'AUTHORITY_MISSING', message);
      }
      const { id, token } = await createToken(use.licensing)(principal, body);
      const it = await visible(use, principal, id);
      return { enrolment: viewOf(it, clockOf(use)), kit: await kitOf(use, it, { token, root }) };
    },
    reply: (made) => ({ body: made, location: `/api/v1/enrolments/${made.enrolment.id}` }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/enrolments/:id',
    operation: 'readEnrolment',
    tag: 'Enrolment',
    summary: 'Read an enrolment token, never its secret',
    action: 'enrolment.read',
    params: idParams,
    status: 200,
    answer: enrolmentView,
    example: { answer: example },
    refusals: { TOKEN_NOT_FOUND: 404 },
    run: async ({ principal, params }, use) => viewOf(await visible(use, principal, params.id), clockOf(use)),
    reply: (body) => ({ body }),
  }),
  endpoint({
    method: 'DELETE',
    path: '/api/v1/enrolments/:id',
    operation: 'withdrawEnrolment',
    tag: 'Enrolment',
    summary: 'Withdraw an enrolment token',
    action: 'enrolment.withdraw',
    params: idParams,
    status: 200,
    answer: enrolmentView,
    example: { answer: { ...example, status: 'withdrawn' } },
    refusals: { TOKEN_NOT_FOUND: 404, TOKEN_SPENT: 409 },
    async run({ principal, params }, use) {
      await withdrawToken(use.licensing)(principal, { id: params.id });
      return viewOf(await visible(use, principal, params.id), clockOf(use));
    },
    reply: (body) => ({ body }),
  }),
  decision('approve', 'given', 'The request that waits gets its license when the site asks again.'),
  decision('decline', 'declined', 'The site is told so when it asks again, and the token is of no use any more.'),
  endpoint({
    method: 'POST',
    path: '/api/v1/sites/:id/license',
    operation: 'issueLicense',
    tag: 'Enrolment',
    summary: 'The first license of a site, for a request that was carried by hand',
    description: 'For a site without a network. The same request again gets the same license.',
    action: 'license.issue',
    params: idParams,
    body: z.strictObject({ csr: csrPem }),
    status: 200,
    answer: z.strictObject({ license: licenseView }),
    example: {
      body: { csr: '-----BEGIN CERTIFICATE REQUEST-----\nMAA=\n-----END CERTIFICATE REQUEST-----\n' },
      answer: { license: licenseExample },
    },
    refusals: {
      SITE_NOT_FOUND: 404,
      SITE_NOT_LIVE: 409,
      SITE_OF_BUILDS: 409,
      SITE_ENROLLED: 409,
      LICENSE_REVOKED: 403,
      ...FIRST_REFUSALS,
    },
    run: ({ principal, params, body }, { licensing }) =>
      issueByHand(licensing)(principal, { site: params.id, csr: body.csr }),
    reply: (license) => ({ body: { license: licenseJson(license) } }),
  }),
];

function decision(verb: 'approve' | 'decline', word: 'given' | 'declined', description: string): Endpoint {
  return endpoint({
    method: 'POST',
    path: `/api/v1/enrolments/:id/${verb}`,
    operation: `${verb}Enrolment`,
    tag: 'Enrolment',
    summary: `${verb === 'approve' ? 'Approve' : 'Decline'} an enrolment that waits for it`,
    description,
    action: 'enrolment.decide',
    params: idParams,
    status: 200,
    answer: enrolmentView,
    example: {
      answer: { ...example, needsApproval: true, status: verb === 'approve' ? 'approved' : 'declined' },
    },
    refusals: { TOKEN_NOT_FOUND: 404, ENROLMENT_NOT_WAITING: 409 },
    run: async ({ principal, params }, use) =>
      viewOf(await decideEnrolment(use.licensing)(principal, { id: params.id, decision: word }), clockOf(use)),
    reply: (body) => ({ body }),
  });
}
