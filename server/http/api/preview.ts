import { z } from 'zod';
import { previewSite } from '../../licensing/contracts/preview.ts';
import { endpoint } from './endpoint.ts';
import { claimsJson, claimsView } from './verdict.ts';
import { idParams } from './wire.ts';

const boundary = {
  claim: z.string(),
  by: z
    .enum(['plan', 'contract', 'pool', 'cap', 'status', 'site', 'issuer'])
    .meta({ description: 'Who would have to change.' }),
  detail: z.string(),
};

export const obstacles = z.array(z.strictObject({ code: z.string(), ...boundary }));

const previewView = z.strictObject({
  possible: z.boolean().meta({ description: 'Whether a license would be given now.' }),
  obstacles,
  claims: claimsView.optional().meta({ description: 'What the license would say.' }),
  boundaries: z.array(z.strictObject(boundary)).meta({ description: 'For each claim, why it is not more.' }),
  abovePlan: z.array(z.string()).meta({ description: 'In which points the contract is above its plan.' }),
});

const PREVIEW_EXAMPLE = {
  possible: false,
  obstacles: [{ code: 'SITE_CAP_REACHED', claim: 'siteCaps.production', by: 'cap', detail: 'All 5 are taken.' }],
  boundaries: [{ claim: 'tier', by: 'contract', detail: 'The contract is of tier gold (rank 20).' }],
  abovePlan: [],
};

export const previewEndpoint = endpoint({
  method: 'POST',
  path: '/api/v1/contracts/:id/preview',
  operation: 'previewSite',
  tag: 'Customers',
  summary: 'What a site would get, and why not more',
  description: 'Changes nothing.',
  action: 'contract.preview',
  isLight: true,
  params: idParams,
  body: previewSite.input.omit({ contract: true }),
  status: 200,
  answer: previewView,
  example: { body: { mode: 'production', shares: { machines: 3 } }, answer: PREVIEW_EXAMPLE },
  refusals: { CONTRACT_NOT_FOUND: 404, ENTERPRISE_NOT_FOUND: 404, ORGANIZATION_NOT_FOUND: 404, PLAN_NOT_FOUND: 404 },
  run: ({ principal, params, body }, { licensing }) =>
    previewSite(licensing)(principal, { ...body, contract: params.id }),
  reply: ({ possible, obstacles, claims, boundaries, abovePlan }) => ({
    body: {
      possible,
      obstacles: obstacles.map((one) => ({ ...one })),
      ...(claims && { claims: claimsJson(claims) }),
      boundaries: boundaries.map((one) => ({ ...one })),
      abovePlan: [...abovePlan],
    },
  }),
});
