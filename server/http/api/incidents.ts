import { z } from 'zod';
import { declareIncident, incidentInput, liftIncident } from '../../licensing/identity/declare-incident.ts';
import type { DeclaredIncident } from '../../licensing/identity/ports.ts';
import { found } from '../../licensing/entities.ts';
import { reading } from '../../licensing/use-case.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { ids, pageExample } from './examples.ts';
import { listed, pageOf, pageQuery } from './paging.ts';
import { idParams, instant } from './wire.ts';

const PATH = '/api/v1/renewal-incidents';

const incidentView = z
  .strictObject({
    id: z.uuid(),
    enterprise: z.uuid().optional(),
    contract: z.uuid().optional(),
    product: z.string().optional(),
    issuerKey: z.string().optional(),
    serials: z.array(z.string()).optional(),
    explanation: z.string(),
    issuedBefore: instant.meta({ description: 'Licenses that were issued before then are to be renewed.' }),
    beginsAt: instant,
    endsAt: instant.meta({ description: 'By then all are to be renewed.' }),
    createdBy: z.string(),
    liftedAt: instant.optional(),
    liftedBy: z.string().optional(),
  })
  .meta({ id: 'RenewalIncident' });

const incidentJson = (it: DeclaredIncident): z.output<typeof incidentView> => ({
  id: it.id,
  ...(it.enterprise !== undefined && { enterprise: it.enterprise }),
  ...(it.contract !== undefined && { contract: it.contract }),
  ...(it.product !== undefined && { product: it.product }),
  ...(it.issuerKey !== undefined && { issuerKey: it.issuerKey }),
  ...(it.serials && { serials: [...it.serials] }),
  explanation: it.explanation,
  issuedBefore: it.issuedBefore.toISOString(),
  beginsAt: it.beginsAt.toISOString(),
  endsAt: it.endsAt.toISOString(),
  createdBy: it.createdBy,
  ...(it.liftedAt && { liftedAt: it.liftedAt.toISOString() }),
  ...(it.liftedBy !== undefined && { liftedBy: it.liftedBy }),
});

const explanation = 'The key of this CA is given up.';
const example = {
  id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f13',
  enterprise: ids.ENTERPRISE,
  explanation,
  issuedBefore: '2026-01-02T09:00:00.000Z',
  beginsAt: '2026-01-02T09:00:00.000Z',
  endsAt: '2026-01-03T09:00:00.000Z',
  createdBy: 'person:019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f0b',
};

export const incidentEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: PATH,
    operation: 'listRenewalIncidents',
    tag: 'Enrolment',
    summary: 'List renewal incidents',
    action: 'incident.read',
    query: pageQuery,
    status: 200,
    answer: pageOf(incidentView),
    example: { answer: pageExample(example) },
    run: ({ principal, query }, { licensing, identity }) =>
      reading(licensing, principal, (tx) => identity.incidents.list(tx, listed(query))),
    reply: ({ items, next }) => ({
      body: { items: items.map(incidentJson), ...(next !== undefined && { next }) },
      next,
    }),
  }),
  endpoint({
    method: 'POST',
    path: PATH,
    operation: 'declareRenewalIncident',
    tag: 'Enrolment',
    summary: 'Have a set of licenses renewed now',
    description:
      'Those of an enterprise, a contract, a product or an issuing key, or named one by one; where several are said, those of all of them. Sites hear it when they ask, and spread themselves.',
    action: 'incident.declare',
    body: incidentInput,
    repeats: () => 'in-transaction',
    status: 201,
    answer: incidentView,
    example: { body: { enterprise: ids.ENTERPRISE, explanation, hours: 24 }, answer: example },
    refusals: {
      INCIDENT_TOO_WIDE: 400,
      ENTERPRISE_NOT_FOUND: 404,
      CONTRACT_NOT_FOUND: 404,
      PRODUCT_NOT_FOUND: 404,
    },
    run: ({ principal, body }, { licensing, identity }) =>
      declareIncident({ ...licensing, ...identity }, principal, body),
    reply: (it) => ({ body: incidentJson(it), location: `${PATH}/${it.id}` }),
  }),
  endpoint({
    method: 'GET',
    path: `${PATH}/:id`,
    operation: 'readRenewalIncident',
    tag: 'Enrolment',
    summary: 'Read a renewal incident',
    action: 'incident.read',
    params: idParams,
    status: 200,
    answer: incidentView,
    example: { answer: example },
    refusals: { RENEWAL_INCIDENT_NOT_FOUND: 404 },
    run: ({ principal, params }, { licensing, identity }) =>
      reading(licensing, principal, async (tx) =>
        found('renewal incident', await identity.incidents.get(tx, params.id)),
      ),
    reply: (it) => ({ body: incidentJson(it) }),
  }),
  endpoint({
    method: 'DELETE',
    path: `${PATH}/:id`,
    operation: 'liftRenewalIncident',
    tag: 'Enrolment',
    summary: 'Lift a renewal incident',
    description: 'It moves nothing any more, and stays readable.',
    action: 'incident.declare',
    params: idParams,
    status: 200,
    answer: incidentView,
    example: {
      answer: { ...example, liftedAt: '2026-01-02T10:00:00.000Z', liftedBy: example.createdBy },
    },
    refusals: { RENEWAL_INCIDENT_NOT_FOUND: 404, INCIDENT_LIFTED: 409 },
    run: ({ principal, params }, { licensing, identity }) =>
      liftIncident({ ...licensing, ...identity }, principal, params.id),
    reply: (it) => ({ body: incidentJson(it) }),
  }),
];
