import { changeOrganization, readOrganization } from '../../licensing/organizations/organizations.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { output } from './examples.ts';
import { APPROVAL_REFUSALS } from './guarded.ts';
import { json, organizationView, versioned } from './views.ts';

export const organizationEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/organization',
    operation: 'readOrganization',
    tag: 'Organization',
    summary: 'Read the organization and its settings',
    action: 'organization.read',
    status: 200,
    answer: organizationView,
    example: { answer: output.organization },
    refusals: { ORGANIZATION_NOT_FOUND: 404 },
    run: ({ principal }, { licensing }) => readOrganization(licensing)(principal, {}),
    reply: versioned(json.organization),
  }),
  endpoint({
    method: 'PUT',
    path: '/api/v1/organization',
    operation: 'changeOrganization',
    tag: 'Organization',
    summary: 'Change the name or the settings',
    description:
      'A second person can be asked for as soon as there are two owners who can sign in, and are limited to no enterprise.',
    action: 'organization.change',
    body: changeOrganization.input.omit({ version: true }),
    changesVersion: true,
    status: 200,
    answer: organizationView,
    example: { body: { settings: { secondPerson: true } }, answer: output.organization },
    refusals: { ORGANIZATION_NOT_FOUND: 404, ORGANIZATION_ONLY: 403, OWNERS_NEEDED: 409, ...APPROVAL_REFUSALS },
    run: ({ principal, body, version }, { licensing }) =>
      changeOrganization(licensing)(principal, { ...body, version }),
    reply: versioned(json.organization),
  }),
];
