import { z } from 'zod';
import { authorize, boundsOf } from '../../licensing/access/authorize.ts';
import type { Person } from '../../licensing/access/model.ts';
import { changePerson, inviteAgain, invitePerson } from '../../licensing/access/people.ts';
import { erasePerson, exportPerson, type PersonExport } from '../../licensing/access/personal-data.ts';
import { displayName, reference } from '../../licensing/fields.ts';
import { ROLES } from '../../licensing/model/principal.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { pageExample } from './examples.ts';
import { APPROVAL_REFUSALS, assertEnterprise, done, ending, within } from './guarded.ts';
import { listed, pageOf, pageQuery } from './paging.ts';
import { idParams, instant } from './wire.ts';

const roles = z.array(z.enum(ROLES)).max(ROLES.length);

const personView = z
  .strictObject({
    id: z.uuid(),
    email: z.string().optional().meta({ description: 'Gone when the person was erased.' }),
    name: z.string().optional(),
    status: z.enum(['invited', 'active', 'disabled', 'erased']),
    roles,
    enterprise: z.uuid().optional(),
    hasSecondFactor: z.boolean(),
    createdAt: instant,
    updatedAt: instant,
  })
  .meta({ id: 'Person' });

const personJson = (it: Person): z.output<typeof personView> => ({
  id: it.id,
  ...(it.email !== undefined && { email: it.email }),
  ...(it.name !== undefined && { name: it.name }),
  status: it.status,
  roles: [...it.roles],
  ...(it.enterprise !== undefined && { enterprise: it.enterprise }),
  hasSecondFactor: it.totp?.isConfirmed === true,
  createdAt: it.createdAt.toISOString(),
  updatedAt: it.updatedAt.toISOString(),
});

const invitedView = personView.extend({
  invitation: z.string().meta({ description: 'Lets its holder set a password. Shown this once.' }),
});

const person = {
  id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f0b',
  email: 'ada@example.com',
  name: 'Ada',
  status: 'invited',
  roles: ['operator'],
  hasSecondFactor: false,
  createdAt: '2026-01-02T09:00:00.000Z',
  updatedAt: '2026-01-02T09:00:00.000Z',
};

const personExportView = z
  .strictObject({
    id: z.uuid(),
    organization: z.string(),
    email: z.string().optional(),
    name: z.string().optional(),
    status: personView.shape.status,
    roles,
    enterprise: z.uuid().optional(),
    externalIdentity: z.strictObject({ issuer: z.string(), subject: z.string() }).optional(),
    hasPassword: z.boolean(),
    hasSecondFactor: z.boolean(),
    createdAt: instant,
    updatedAt: instant,
    sessions: z.array(z.strictObject({ id: z.uuid(), from: instant, until: instant })),
    pseudonym: z.string().meta({ description: 'The name under which the audit log speaks of this person.' }),
  })
  .meta({ id: 'PersonExport' });

/** What is not known is left out. */
const personExportJson = (it: PersonExport): z.output<typeof personExportView> =>
  JSON.parse(JSON.stringify(it)) as z.output<typeof personExportView>;

const personExport = {
  id: person.id,
  organization: 'acme',
  email: person.email,
  name: person.name,
  status: 'active',
  roles: person.roles,
  hasPassword: true,
  hasSecondFactor: false,
  createdAt: person.createdAt,
  updatedAt: person.updatedAt,
  sessions: [
    {
      id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f10',
      from: '2026-01-02T09:00:00.000Z',
      until: '2026-01-16T09:00:00.000Z',
    },
  ],
  pseudonym: `person:${person.id}`,
};

export const peopleEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/people',
    operation: 'listPeople',
    tag: 'Access',
    summary: 'List the people of the organization',
    action: 'person.read',
    query: pageQuery.extend({ status: personView.shape.status.optional() }),
    status: 200,
    answer: pageOf(personView),
    example: { answer: pageExample(person) },
    run({ principal, query: { status, ...query } }, use) {
      const { enterprise } = boundsOf(principal, 'person.read');
      const where = { ...(enterprise !== undefined && { enterprise }), ...(status !== undefined && { status }) };
      const list = { ...listed(query), where };
      return within(use, principal, (tx) => use.access.stores.people.list(tx, list));
    },
    reply: ({ items, next }) => ({ body: { items: items.map(personJson), ...(next !== undefined && { next }) }, next }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/people/:id',
    operation: 'readPerson',
    tag: 'Access',
    summary: 'Read a person',
    action: 'person.read',
    params: idParams,
    status: 200,
    answer: personView,
    example: { answer: person },
    run: ({ principal, params }, use) =>
      within(use, principal, async (tx) => {
        const it = await use.access.stores.people.get(tx, params.id);
        authorize(principal, 'person.read', it);
        return it;
      }),
    reply: (it) => ({ body: personJson(it), version: it.version }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/people',
    operation: 'invitePerson',
    tag: 'Access',
    summary: 'Invite a person',
    description: 'The invitation is in the answer, to be handed over. Owners and admins need `person.empower` too.',
    action: 'person.invite',
    body: z.strictObject({
      email: z.email().max(254).meta({ example: 'ada@example.com' }),
      name: displayName,
      roles: roles.min(1).refine((list) => new Set(list).size === list.length, 'must name each role once'),
      enterprise: reference('enterprise').optional(),
    }),
    status: 201,
    answer: invitedView,
    example: {
      body: { email: person.email, name: person.name, roles: person.roles },
      answer: { ...person, invitation: 'licet_invite_6fJ0' },
    },
    refusals: {
      PERSON_INVALID: 400,
      PERSON_EXISTS: 409,
      NOT_FOUND: 404,
      ENTERPRISE_NOT_FOUND: 404,
      ...APPROVAL_REFUSALS,
    },
    async run({ principal, body }, use) {
      const guarded = await within(use, principal, async (tx) => {
        await assertEnterprise(use, principal, tx, body.enterprise);
        return invitePerson(use.access, tx, principal, body);
      });
      return done(guarded);
    },
    reply: ({ person: it, invitation }) => ({ body: { ...personJson(it), invitation } }),
  }),
  endpoint({
    method: 'PUT',
    path: '/api/v1/people/:id',
    operation: 'changePerson',
    tag: 'Access',
    summary: 'Change the roles of a person, or disable one',
    description:
      'Signs the person out everywhere. API tokens that the person made are refused while they say more than the person may do.',
    action: 'person.change',
    params: idParams,
    body: z.strictObject({
      roles: roles.min(1).optional(),
      enterprise: reference('enterprise').nullable().optional().describe('`null`: the whole organization.'),
      status: z.enum(['active', 'disabled']).optional(),
    }),
    changesVersion: true,
    status: 200,
    answer: personView,
    example: { body: { status: 'disabled' }, answer: { ...person, status: 'disabled' } },
    refusals: {
      PERSON_INVALID: 400,
      PERSON_INVITED: 409,
      LAST_OWNER: 409,
      ENTERPRISE_NOT_FOUND: 404,
      ...APPROVAL_REFUSALS,
    },
    async run({ principal, params, version, body: { roles: wanted, enterprise, status } }, use) {
      const changed = within(use, principal, async (tx) => {
        await assertEnterprise(use, principal, tx, enterprise ?? undefined);
        return changePerson(use.access, tx, principal, params.id, {
          ...(wanted && { roles: wanted }),
          ...(enterprise !== undefined && { enterprise }),
          ...(status !== undefined && { status }),
          ...(version !== undefined && { version }),
        });
      });
      return done(await ending(use, changed));
    },
    reply: (it) => ({ body: personJson(it), version: it.version }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/people/:id/invite',
    operation: 'invitePersonAgain',
    tag: 'Access',
    summary: 'Let a person set a new password',
    description: 'For who has lost it. Ends all sessions, and takes the second factor away, which may be lost as well.',
    action: 'person.invite',
    params: idParams,
    status: 200,
    answer: invitedView,
    example: { answer: { ...person, invitation: 'licet_invite_6fJ0' } },
    refusals: APPROVAL_REFUSALS,
    run: async ({ principal, params }, use) =>
      done(
        await ending(
          use,
          within(use, principal, (tx) => inviteAgain(use.access, tx, principal, params.id)),
        ),
      ),
    reply: ({ person: it, invitation }) => ({ body: { ...personJson(it), invitation } }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/people/:id/export',
    operation: 'exportPerson',
    tag: 'Access',
    summary: 'All that is kept about a person',
    description:
      'For whoever asks what is kept about them (GDPR article 15). That it was asked for is in the audit log.',
    action: 'person.export',
    params: idParams,
    status: 200,
    answer: personExportView,
    example: { answer: personExport },
    run: ({ principal, params }, use) =>
      within(use, principal, (tx) => exportPerson(use.access, tx, principal, params.id)),
    reply: (it) => ({ body: personExportJson(it) }),
  }),
  endpoint({
    method: 'DELETE',
    path: '/api/v1/people/:id',
    operation: 'erasePerson',
    tag: 'Access',
    summary: 'Erase a person',
    description:
      'Name, address and sign-in are gone; the audit log still verifies and says that it was one and the same.',
    action: 'person.erase',
    params: idParams,
    status: 200,
    answer: z.strictObject({ id: z.string(), status: z.literal('erased') }),
    example: { answer: { id: person.id, status: 'erased' } },
    refusals: { LAST_OWNER: 409, ...APPROVAL_REFUSALS },
    async run({ principal, params }, use) {
      const erased = within(use, principal, (tx) => erasePerson(use.access, tx, principal, params.id));
      done(await ending(use, erased));
      return params.id;
    },
    reply: (id) => ({ body: { id, status: 'erased' } }),
  }),
];
