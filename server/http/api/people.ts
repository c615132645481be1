import { z } from 'zod';
import { decideApproval } from '../../licensing/access/approvals.ts';
import { boundsOf } from '../../licensing/access/authorize.ts';
import type { Approval, Person } from '../../licensing/access/model.ts';
import { changePerson, invitePerson } from '../../licensing/access/people.ts';
import { erasePerson } from '../../licensing/access/personal-data.ts';
import { displayName, reference } from '../../licensing/fields.ts';
import { ROLES } from '../../licensing/model/principal.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { pageExample } from './examples.ts';
import { APPROVAL_REFUSALS, assertEnterprise, done, within } from './guarded.ts';
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

const approvalView = z
  .strictObject({
    id: z.uuid(),
    action: z.string(),
    subject: z.string(),
    payload: z.unknown().meta({ description: 'What exactly would be done.' }),
    status: z.enum(['waiting', 'approved', 'declined', 'used', 'expired']),
    requestedBy: z.string(),
    decidedBy: z.string().optional(),
    expiresAt: instant,
  })
  .meta({ id: 'Approval' });

const approvalJson = (it: Approval): z.output<typeof approvalView> => ({
  id: it.id,
  action: it.action,
  subject: it.subject,
  payload: it.payload,
  status: it.status,
  requestedBy: it.requestedBy,
  ...(it.decidedBy !== undefined && { decidedBy: it.decidedBy }),
  expiresAt: it.expiresAt.toISOString(),
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

const approval = {
  id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f0c',
  action: 'contract.raise',
  subject: 'contract:019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f02',
  payload: {},
  status: 'waiting',
  requestedBy: 'person:019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f0b',
  expiresAt: '2026-01-05T09:00:00.000Z',
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
    refusals: { PERSON_INVALID: 400, PERSON_EXISTS: 409, ENTERPRISE_NOT_FOUND: 404, ...APPROVAL_REFUSALS },
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
    description: 'Whoever becomes less is signed out everywhere.',
    action: 'person.change',
    params: idParams,
    body: z.strictObject({
      roles: roles.min(1).optional(),
      enterprise: reference('enterprise').optional(),
      status: z.enum(['active', 'disabled']).optional(),
    }),
    status: 200,
    answer: personView,
    example: { body: { status: 'disabled' }, answer: { ...person, status: 'disabled' } },
    refusals: { PERSON_INVALID: 400, PERSON_INVITED: 409, ENTERPRISE_NOT_FOUND: 404, ...APPROVAL_REFUSALS },
    async run({ principal, params, body: { roles: wanted, enterprise, status } }, use) {
      const guarded = await within(use, principal, async (tx) => {
        await assertEnterprise(use, principal, tx, enterprise);
        return changePerson(use.access, tx, principal, params.id, {
          ...(wanted && { roles: wanted }),
          ...(enterprise !== undefined && { enterprise }),
          ...(status !== undefined && { status }),
        });
      });
      return done(guarded);
    },
    reply: (it) => ({ body: personJson(it) }),
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
    refusals: APPROVAL_REFUSALS,
    async run({ principal, params }, use) {
      done(await within(use, principal, (tx) => erasePerson(use.access, tx, principal, params.id)));
      return params.id;
    },
    reply: (id) => ({ body: { id, status: 'erased' } }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/approvals',
    operation: 'listApprovals',
    tag: 'Access',
    summary: 'List what waits for a second person',
    action: 'approval.read',
    query: pageQuery.extend({ status: approvalView.shape.status.optional() }),
    status: 200,
    answer: pageOf(approvalView),
    example: { answer: pageExample(approval) },
    run({ principal, query: { status, ...query } }, use) {
      // They are about the organization as a whole: who reaches one enterprise of it sees none.
      const { enterprise } = boundsOf(principal, 'approval.read');
      if (enterprise !== undefined) return Promise.resolve({ items: [], next: undefined });
      const where = status === undefined ? {} : { status };
      const list = { ...listed(query), where };
      return within(use, principal, (tx) => use.access.stores.approvals.list(tx, list));
    },
    reply: ({ items, next }) => ({
      body: { items: items.map(approvalJson), ...(next !== undefined && { next }) },
      next,
    }),
  }),
  decide('approve', 'approved'),
  decide('decline', 'declined'),
];

function decide(verb: 'approve' | 'decline', decision: 'approved' | 'declined'): Endpoint {
  return endpoint({
    method: 'POST',
    path: `/api/v1/approvals/:id/${verb}`,
    operation: `${verb}Approval`,
    tag: 'Access',
    summary: `${verb === 'approve' ? 'Approve' : 'Decline'} another person's request`,
    description: 'By another person than who asked, signed in, and with the right to the act itself.',
    action: 'approval.decide',
    params: idParams,
    status: 200,
    answer: approvalView,
    example: { answer: { ...approval, status: decision, decidedBy: 'person:019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f0d' } },
    refusals: { APPROVER_NO_PERSON: 403, APPROVER_SAME_PERSON: 403, APPROVAL_OVER: 409 },
    run: ({ principal, params }, use) =>
      within(use, principal, (tx) => decideApproval(use.access, tx, principal, params.id, decision)),
    reply: (it) => ({ body: approvalJson(it) }),
  });
}
