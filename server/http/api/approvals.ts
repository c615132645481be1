import { z } from 'zod';
import { decideApproval } from '../../licensing/access/approvals.ts';
import type { Approval } from '../../licensing/access/model.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { pageExample } from './examples.ts';
import { within } from './guarded.ts';
import { listed, pageOf, pageQuery } from './paging.ts';
import { idParams, instant } from './wire.ts';

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

const approval = {
  id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f0c',
  action: 'contract.raise',
  subject: 'contract:019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f02',
  payload: {},
  status: 'waiting',
  requestedBy: 'person:019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f0b',
  expiresAt: '2026-01-05T09:00:00.000Z',
};

export const approvalEndpoints: readonly Endpoint[] = [
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
