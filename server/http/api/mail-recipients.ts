import { z } from 'zod';
import type { MailRecipient } from '../../licensing/model/receiver.ts';
import {
  changeMailRecipient,
  createMailRecipient,
  removeMailRecipient,
  testMailRecipient,
} from '../../licensing/notices/mail-recipients.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { idFilter, type Kind, readEndpoints } from './things.ts';
import { versioned } from './views.ts';
import { hearsView, outcomeJson, outcomeView } from './webhooks.ts';
import { idParams, instant } from './wire.ts';

const PATH = '/api/v1/mail-recipients';

const recipientView = z
  .strictObject({
    id: z.uuid(),
    createdAt: instant,
    updatedAt: instant,
    version: z.int().positive(),
    name: z.string(),
    address: z.string(),
    ...hearsView,
    status: z.enum(['active', 'disabled']),
  })
  .meta({ id: 'MailRecipient' });

const recipientJson = (it: MailRecipient): z.output<typeof recipientView> => ({
  id: it.id,
  createdAt: it.createdAt.toISOString(),
  updatedAt: it.updatedAt.toISOString(),
  version: it.version,
  name: it.name,
  address: it.address,
  events: [...it.events],
  alertKinds: [...it.alertKinds],
  ...(it.enterprise !== undefined && { enterprise: it.enterprise }),
  status: it.status,
});

const input = {
  name: 'License desk',
  address: 'licenses@example.com',
  events: ['license.expiring', 'contract.ending', 'alert.opened'],
  alertKinds: [],
};
const example = {
  id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f21',
  createdAt: '2026-01-02T09:00:00.000Z',
  updatedAt: '2026-01-02T09:00:00.000Z',
  version: 1,
  ...input,
  status: 'active',
};

const kind: Kind<MailRecipient, z.output<typeof recipientView>> = {
  thing: 'mail recipient',
  name: 'MailRecipient',
  path: PATH,
  tag: 'Signals',
  read: 'mail-recipient.read',
  view: recipientView,
  toJson: recipientJson,
  example,
  collection: ({ licensing }) => licensing.stores.mailRecipients,
  filters: { status: recipientView.shape.status.optional(), enterprise: idFilter('enterprise') },
  sortable: ['name', 'address'],
  enterpriseOf: ({ enterprise }) => enterprise ?? '',
  enterpriseField: 'enterprise',
};

const REFUSALS = { ENTERPRISE_NOT_FOUND: 404, MAIL_RECIPIENT_EXISTS: 409 } as const;
const FOUND = { MAIL_RECIPIENT_NOT_FOUND: 404 } as const;

export const mailRecipientEndpoints: readonly Endpoint[] = [
  ...readEndpoints(kind),
  endpoint({
    method: 'POST',
    path: PATH,
    operation: 'createMailRecipient',
    tag: 'Signals',
    summary: 'Have somebody told by mail',
    description: 'Of what is meant for people. What happens within half a minute comes as one mail.',
    action: 'mail-recipient.change',
    body: createMailRecipient.input,
    repeats: () => 'in-transaction',
    status: 201,
    answer: recipientView,
    example: { body: input, answer: example },
    refusals: { ...REFUSALS, MAIL_OFF: 409, MAIL_RECIPIENTS_TOO_MANY: 409 },
    run: ({ principal, body }, { notices }) => createMailRecipient(notices)(principal, body),
    reply: (it) => ({ ...versioned(recipientJson)(it), location: `${PATH}/${it.id}` }),
  }),
  endpoint({
    method: 'PUT',
    path: `${PATH}/:id`,
    operation: 'changeMailRecipient',
    tag: 'Signals',
    summary: 'Change what somebody is told by mail',
    action: 'mail-recipient.change',
    params: idParams,
    body: changeMailRecipient.input.omit({ id: true, version: true }),
    changesVersion: true,
    status: 200,
    answer: recipientView,
    example: { body: { status: 'disabled' }, answer: { ...example, status: 'disabled', version: 2 } },
    refusals: { ...REFUSALS, ...FOUND },
    run: ({ principal, params, body, version }, { notices }) =>
      changeMailRecipient(notices)(principal, { ...body, id: params.id, version }),
    reply: versioned(recipientJson),
  }),
  endpoint({
    method: 'DELETE',
    path: `${PATH}/:id`,
    operation: 'removeMailRecipient',
    tag: 'Signals',
    summary: 'Tell somebody nothing any more',
    description: 'The address is gone, and so is all mail on its way to it.',
    action: 'mail-recipient.change',
    params: idParams,
    changesVersion: true,
    status: 204,
    answer: z.undefined(),
    example: { answer: undefined },
    refusals: FOUND,
    run: ({ principal, params, version }, { notices }) =>
      removeMailRecipient(notices)(principal, { id: params.id, version }),
    reply: () => ({ body: undefined }),
  }),
  endpoint({
    method: 'POST',
    path: `${PATH}/:id/test`,
    operation: 'testMailRecipient',
    tag: 'Signals',
    summary: 'Send a test mail',
    action: 'mail-recipient.change',
    params: idParams,
    status: 200,
    answer: outcomeView,
    example: { answer: { delivered: true, answer: 250 } },
    refusals: { ...FOUND, MAIL_OFF: 409 },
    run: ({ principal, params }, { notices }) => testMailRecipient(notices)(principal, params),
    reply: (outcome) => ({ body: outcomeJson(outcome) }),
  }),
];
