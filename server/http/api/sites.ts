import { z } from 'zod';
import { boundsOf } from '../../licensing/access/authorize.ts';
import { LicetError } from '../../licensing/errors.ts';
import type { Principal } from '../../licensing/model/principal.ts';
import type { Site } from '../../licensing/model/site.ts';
import { createSite, type CreatedSite } from '../../licensing/sites/create-site.ts';
import { reinstateSite, retireSite, suspendSite } from '../../licensing/sites/site-life.ts';
import { updateSite } from '../../licensing/sites/update-site.ts';
import { type Endpoint, endpoint, type Use } from './endpoint.ts';
import { input, output } from './examples.ts';
import { JOURNAL_REFUSALS } from './guarded.ts';
import { csrPem, FIRST_REFUSALS, ISSUE_REFUSALS, licenseExample, licenseJson, licenseView } from './pem.ts';
import { idFilter, type Kind, readEndpoints, stepEndpoint } from './things.ts';
import { json, siteView } from './views.ts';
import { idParams, instant } from './wire.ts';

const site: Kind<Site, z.output<typeof siteView>> = {
  thing: 'site',
  name: 'Site',
  path: '/api/v1/sites',
  tag: 'License server',
  read: 'site.read',
  view: siteView,
  toJson: json.site,
  example: output.site,
  collection: ({ licensing }) => licensing.stores.sites,
  filters: {
    enterprise: idFilter('enterprise'),
    contract: idFilter('contract'),
    name: z.string().max(64).optional(),
    mode: siteView.shape.mode.optional(),
    status: siteView.shape.status.optional(),
  },
  sortable: ['name', 'mode', 'status', 'updatedAt'],
  enterpriseField: 'enterprise',
  enterpriseOf: ({ enterprise }) => enterprise,
};

const enrolment = z
  .strictObject({
    id: z.uuid(),
    token: z.string().meta({ description: 'Good for one first license. Shown this once.' }),
    expiresAt: instant,
  })
  .optional();

const created = z.strictObject({ site: siteView, enrolment, license: licenseView.optional() });
const updated = z.strictObject({ site: siteView, license: licenseView.optional() });

const SEAT_REFUSALS = {
  CONTRACT_NOT_FOUND: 404,
  CONTRACT_NOT_ACTIVE: 409,
  MODE_NOT_SOLD: 409,
  SITE_CAP_REACHED: 409,
  POOL_UNKNOWN: 409,
  POOL_EXHAUSTED: 409,
} as const;

const createdJson = ({ site: it, enrolment: shown, license }: CreatedSite): z.output<typeof created> => ({
  site: json.site(it),
  ...(shown && { enrolment: { ...shown, expiresAt: shown.expiresAt.toISOString() } }),
  ...(license && { license: licenseJson(license) }),
});

const createBody = createSite.input.omit({ csr: true }).extend({ csr: csrPem.optional() });
const { enterprise: _, ...createExample } = input.site;

export const siteEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/sites/create',
    operation: 'createSite',
    tag: 'License server',
    summary: 'Create a site',
    description:
      'Answers a one-time enrolment token, or the license at once when a CSR is sent. When there can be no license there is no site either.',
    action: 'site.create',
    body: createBody,
    // With a CSR the license is recorded, signed and committed after the site: the request itself tells a repetition.
    repeats: ({ csr }) => (csr === undefined ? 'in-transaction' : 'by-content'),
    status: 201,
    answer: created,
    example: {
      body: createExample,
      answer: {
        site: output.site,
        enrolment: {
          id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f06',
          token: 'licet_enrol_acme_6fJ0',
          expiresAt: '2026-01-03T09:00:00.000Z',
        },
      },
    },
    refusals: { SITE_EXISTS: 409, FINGERPRINTS_MISPLACED: 400, ...SEAT_REFUSALS, ...FIRST_REFUSALS },
    run: ({ principal, body }, { licensing }): Promise<CreatedSite> => createSite(licensing)(principal, body),
    reply: (it) => ({ body: createdJson(it), version: it.site.version, location: `/api/v1/sites/${it.site.id}` }),
  }),
  ...readEndpoints(site),
  endpoint({
    method: 'PUT',
    path: '/api/v1/sites/:id',
    operation: 'updateSite',
    tag: 'License server',
    summary: 'Change status, mode, labels, contract or shares of a site',
    description:
      'Other rights mean another license at once, for the same key: it is in the answer. A status (`suspended`, `active` to reinstate, `retired`) is changed by itself.',
    action: 'site.change',
    params: idParams,
    body: updateSite.input
      .omit({ id: true, version: true })
      .extend({ status: z.enum(['active', 'suspended', 'retired']).optional() }),
    changesVersion: true,
    status: 200,
    answer: updated,
    example: { body: { mode: 'production' }, answer: { site: output.site, license: licenseExample } },
    refusals: {
      SITE_NOT_FOUND: 404,
      STATUS_NOT_ALONE: 400,
      TRANSITION_REFUSED: 409,
      SITE_RETIRED: 409,
      CONTRACT_FOREIGN: 409,
      MODE_FIXED: 409,
      ...SEAT_REFUSALS,
      ...ISSUE_REFUSALS,
    },
    async run({ principal, params, body: { status, ...changes }, version }, use) {
      const target = { id: params.id, version };
      if (status === undefined) return updateSite(use.licensing)(principal, { ...changes, ...target });
      if (Object.keys(changes).length > 0) {
        const message = 'Change the status by itself, and the rest in another request.';
        throw new LicetError('invalid', 'STATUS_NOT_ALONE', message, { pointer: '/status' });
      }
      return { site: await STATUS_CHANGES[status](use, principal, target), license: undefined };
    },
    reply: ({ site: it, license }) => ({
      body: { site: json.site(it), ...(license && { license: licenseJson(license) }) },
      version: it.version,
    }),
  }),
  stepEndpoint(site, {
    step: 'retire',
    method: 'DELETE',
    action: 'site.retire',
    useCase: retireSite,
    description:
      'For good: its licenses are revoked and its seat is free; its history stays readable. OCSP says so at once, the CRL within seconds.',
    refusals: JOURNAL_REFUSALS,
  }),
];

type Target = { readonly id: string; readonly version: number | undefined };

/** Each needs a right of its own, which is asked for here because the body decides which one. */
const STATUS_CHANGES: Readonly<
  Record<'suspended' | 'active' | 'retired', (use: Use, who: Principal, target: Target) => Promise<Site>>
> = {
  suspended(use, who, target) {
    boundsOf(who, 'site.suspend');
    return suspendSite(use.licensing)(who, target);
  },
  active(use, who, target) {
    boundsOf(who, 'site.reinstate');
    return reinstateSite(use.licensing)(who, target);
  },
  retired(use, who, target) {
    boundsOf(who, 'site.retire');
    return retireSite(use.licensing)(who, target);
  },
};
