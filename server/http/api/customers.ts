import { z } from 'zod';
import {
  type Activated,
  activateContract,
  changeContract,
  createContract,
  endContract,
  reinstateContract,
  suspendContract,
} from '../../licensing/contracts/contracts.ts';
import {
  changeEnterprise,
  closeEnterprise,
  createEnterprise,
  holdEnterprise,
  reinstateEnterprise,
  suspendEnterprise,
} from '../../licensing/enterprises/enterprises.ts';
import { eraseEnterprise, exportEnterprise } from '../../licensing/enterprises/personal-data.ts';
import type { Contract } from '../../licensing/model/contract.ts';
import type { Enterprise } from '../../licensing/model/enterprise.ts';
import { TERMS_REFUSALS } from './catalog.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { input, output } from './examples.ts';
import { APPROVAL_REFUSALS, JOURNAL_REFUSALS } from './guarded.ts';
import { obstacles, previewEndpoint } from './preview.ts';
import { idFilter, type Kind, readEndpoints, stepEndpoint, type Stepped } from './things.ts';
import { contractView, enterpriseView, json, versioned } from './views.ts';
import { idParams } from './wire.ts';

const enterprise: Kind<Enterprise, z.output<typeof enterpriseView>> = {
  thing: 'enterprise',
  name: 'Enterprise',
  path: '/api/v1/enterprises',
  tag: 'Customers',
  read: 'enterprise.read',
  view: enterpriseView,
  toJson: json.enterprise,
  example: output.enterprise,
  collection: ({ licensing }) => licensing.stores.enterprises,
  filters: { slug: z.string().max(64).optional(), status: z.enum(['active', 'suspended', 'closed']).optional() },
  sortable: ['slug', 'name', 'updatedAt'],
  enterpriseField: 'id',
  enterpriseOf: ({ id }) => id,
};

const contract: Kind<Contract, z.output<typeof contractView>> = {
  thing: 'contract',
  name: 'Contract',
  path: '/api/v1/contracts',
  tag: 'Customers',
  read: 'contract.read',
  view: contractView,
  toJson: json.contract,
  example: output.contract,
  collection: ({ licensing }) => licensing.stores.contracts,
  filters: {
    enterprise: idFilter('enterprise'),
    plan: idFilter('plan'),
    number: z.string().max(64).optional(),
    status: z.enum(['draft', 'active', 'suspended', 'ended']).optional(),
  },
  sortable: ['number', 'endsAt', 'updatedAt'],
  enterpriseField: 'enterprise',
  enterpriseOf: (it) => it.enterprise,
};

const TERM_REFUSALS = { TIME_ZONE_UNKNOWN: 400, DAY_INVALID: 400, TERM_EMPTY: 400 } as const;

const activatedView = contractView.extend({ obstacles }).meta({ id: 'ActivatedContract' });

const activated: Stepped<Activated, z.output<typeof activatedView>> = {
  ...contract,
  view: activatedView,
  toJson: (it) => ({ ...json.contract(it), obstacles: it.obstacles.map((one) => ({ ...one })) }),
  example: { ...output.contract, obstacles: [] },
};

export const enterpriseEndpoints: readonly Endpoint[] = [
  ...readEndpoints(enterprise),
  endpoint({
    method: 'POST',
    path: '/api/v1/enterprises',
    operation: 'createEnterprise',
    tag: 'Customers',
    summary: 'Create an enterprise',
    action: 'enterprise.create',
    body: createEnterprise.input,
    repeats: () => 'in-transaction',
    status: 201,
    answer: enterpriseView,
    example: { body: input.enterprise, answer: output.enterprise },
    refusals: { ENTERPRISE_EXISTS: 409 },
    run: ({ principal, body }, { licensing }) => createEnterprise(licensing)(principal, body),
    reply: (it) => ({ ...versioned(json.enterprise)(it), location: `/api/v1/enterprises/${it.id}` }),
  }),
  endpoint({
    method: 'PUT',
    path: '/api/v1/enterprises/:id',
    operation: 'changeEnterprise',
    tag: 'Customers',
    summary: 'Change name or labels of an enterprise',
    action: 'enterprise.change',
    params: idParams,
    body: changeEnterprise.input.omit({ id: true, version: true }),
    changesVersion: true,
    status: 200,
    answer: enterpriseView,
    example: { body: { name: 'Globex' }, answer: output.enterprise },
    refusals: { ENTERPRISE_NOT_FOUND: 404 },
    run: ({ principal, params, body, version }, { licensing }) =>
      changeEnterprise(licensing)(principal, { ...body, id: params.id, version }),
    reply: versioned(json.enterprise),
  }),
  stepEndpoint(enterprise, {
    step: 'suspend',
    action: 'enterprise.suspend',
    useCase: suspendEnterprise,
    description:
      'None of its sites gets a license or a renewal; the licenses that they have run on until they end. Its contracts and sites keep their own state. To stop them at once, hold it.',
  }),
  stepEndpoint(enterprise, {
    step: 'hold',
    action: 'enterprise.hold',
    useCase: holdEnterprise,
    summary: 'Suspend an enterprise at once, with all its sites',
    description:
      'Its CA certificates are put on hold, also those whose keys it keeps itself: OCSP says so at once, the CRL of the organization within seconds, and whoever checks a license below them with fresh evidence refuses it, on every site. Until it is reinstated. In the journal of the signer, in the database and in the audit log before it is answered.',
    refusals: { AUTHORITY_ELSEWHERE: 409, ...JOURNAL_REFUSALS, ...APPROVAL_REFUSALS },
  }),
  stepEndpoint(enterprise, {
    step: 'reinstate',
    action: 'enterprise.reinstate',
    useCase: reinstateEnterprise,
    description: 'Its sites get licenses again; CA certificates that were on hold are good again.',
    refusals: JOURNAL_REFUSALS,
  }),
  stepEndpoint(enterprise, {
    step: 'close',
    method: 'DELETE',
    action: 'enterprise.close',
    useCase: closeEnterprise,
    description: 'For good: ends its contracts, retires its sites, and revokes its CA. Its history stays readable.',
    refusals: { ...JOURNAL_REFUSALS, ...APPROVAL_REFUSALS },
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/enterprises/:id/export',
    operation: 'exportEnterprise',
    tag: 'Customers',
    summary: 'All that is kept about an enterprise',
    description:
      'Lines of JSON, each with the `kind` of what it is; secrets and their digests are left out. What happened to it is in the audit log, under its pseudonym.',
    action: 'enterprise.export',
    params: idParams,
    status: 200,
    media: ['application/x-ndjson'],
    answer: z.string(),
    example: { answer: '{"kind":"enterprise","id":"019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f01","slug":"globex"}\n' },
    refusals: { ENTERPRISE_NOT_FOUND: 404 },
    run: ({ principal, params }, { licensing }) => exportEnterprise(licensing, principal, params.id),
    reply: (chunks) => ({ body: '', chunks }),
  }),
  stepEndpoint(enterprise, {
    step: 'erase',
    action: 'enterprise.erase',
    useCase: eraseEnterprise,
    description:
      'Of a closed enterprise: its name, labels, site names, fingerprints and people are gone for good. The ledger and the audit log still verify.',
    refusals: { ENTERPRISE_NOT_CLOSED: 409, ...APPROVAL_REFUSALS },
  }),
];

export const contractEndpoints: readonly Endpoint[] = [
  ...readEndpoints(contract),
  endpoint({
    method: 'POST',
    path: '/api/v1/contracts',
    operation: 'createContract',
    tag: 'Customers',
    summary: 'Create a contract, as a draft',
    action: 'contract.create',
    body: createContract.input,
    repeats: () => 'in-transaction',
    status: 201,
    answer: contractView,
    example: { body: input.contract, answer: { ...output.contract, status: 'draft' } },
    refusals: {
      CONTRACT_EXISTS: 409,
      ENTERPRISE_NOT_FOUND: 404,
      PLAN_NOT_FOUND: 404,
      ENTERPRISE_CLOSED: 409,
      PLAN_RETIRED: 409,
      TERMS_NEEDED: 400,
      TERM_OPEN: 400,
      ...TERM_REFUSALS,
      ...TERMS_REFUSALS,
    },
    run: ({ principal, body }, { licensing }) => createContract(licensing)(principal, body),
    reply: (it) => ({ ...versioned(json.contract)(it), location: `/api/v1/contracts/${it.id}` }),
  }),
  endpoint({
    method: 'PUT',
    path: '/api/v1/contracts/:id',
    operation: 'changeContract',
    tag: 'Customers',
    summary: 'Change a contract',
    description:
      'More than its plan has needs the right `contract.raise`, and a second person where the organization says so. Where it is lowered, the CA certificates that say more are revoked when it is answered.',
    action: 'contract.change',
    params: idParams,
    body: changeContract.input.omit({ id: true, version: true }),
    changesVersion: true,
    status: 200,
    answer: contractView,
    example: { body: { number: 'C-2026-0042' }, answer: output.contract },
    refusals: {
      CONTRACT_NOT_FOUND: 404,
      CONTRACT_ENDED: 409,
      CLAIMS_ABOVE_PARENT: 409,
      ...JOURNAL_REFUSALS,
      ...APPROVAL_REFUSALS,
      ...TERM_REFUSALS,
      ...TERMS_REFUSALS,
    },
    run: ({ principal, params, body, version }, { licensing }) =>
      changeContract(licensing)(principal, { ...body, id: params.id, version }),
    reply: versioned(json.contract),
  }),
  previewEndpoint,
  stepEndpoint(activated, {
    step: 'activate',
    action: 'contract.activate',
    useCase: activateContract,
    description:
      'From here on its sites get licenses, or when the CA above can give them: `obstacles` says what that lacks. More than its plan has needs the right `contract.raise`, and a second person where the organization says so.',
    refusals: APPROVAL_REFUSALS,
  }),
  stepEndpoint(contract, {
    step: 'suspend',
    action: 'contract.suspend',
    useCase: suspendContract,
    description: 'No site below it gets a license or a renewal.',
  }),
  stepEndpoint(contract, {
    step: 'reinstate',
    action: 'contract.reinstate',
    useCase: reinstateContract,
    description: 'Its sites get licenses again.',
  }),
  stepEndpoint(contract, {
    step: 'end',
    method: 'DELETE',
    action: 'contract.end',
    useCase: endContract,
    description:
      'For good. Licenses below it run to their end and are not renewed; a CA whose key the enterprise keeps itself is revoked.',
    refusals: JOURNAL_REFUSALS,
  }),
];
