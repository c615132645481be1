import { z } from 'zod';
import { ALERT_KINDS } from '../../licensing/model/alert.ts';
import type { Outcome } from '../../licensing/model/delivery.ts';
import type { Webhook } from '../../licensing/model/receiver.ts';
import {
  changeWebhook,
  createWebhook,
  disableWebhook,
  enableWebhook,
  removeWebhook,
  rotateWebhookSecret,
  testWebhook,
  type WithSecret,
} from '../../licensing/notices/webhooks.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { type Kind, idFilter, readEndpoints } from './things.ts';
import { versioned } from './views.ts';
import { idParams, instant } from './wire.ts';

export const WEBHOOKS = '/api/v1/webhooks';

/** Which events a receiver hears, as all of them show it. */
export const hearsView = {
  events: z.array(z.string()),
  alertKinds: z.array(z.enum(ALERT_KINDS)),
  enterprise: z.uuid().optional(),
};

const webhookView = z
  .strictObject({
    id: z.uuid(),
    createdAt: instant,
    updatedAt: instant,
    version: z.int().positive(),
    name: z.string(),
    url: z.string(),
    ...hearsView,
    status: z.enum(['active', 'disabled']),
    disabledBecause: z.enum(['person', 'gone', 'failing']).optional(),
    failingSince: instant.optional().meta({ description: 'Since when nothing got through.' }),
    publicKey: z
      .string()
      .meta({ description: 'Checks signatures of scheme v1a (Ed25519): for who should not be able to make any.' }),
    oldSecretUntil: instant.optional().meta({ description: 'Until when the secret before this one signs as well.' }),
  })
  .meta({ id: 'Webhook' });

const madeView = webhookView.extend({
  secret: z.string().meta({ description: 'What its messages are signed with. Shown this once.' }),
});

function webhookJson(it: Webhook): z.output<typeof webhookView> {
  const oldSecretUntil = it.secrets[1]?.until;
  return {
    id: it.id,
    createdAt: it.createdAt.toISOString(),
    updatedAt: it.updatedAt.toISOString(),
    version: it.version,
    name: it.name,
    url: it.url,
    events: [...it.events],
    alertKinds: [...it.alertKinds],
    ...(it.enterprise !== undefined && { enterprise: it.enterprise }),
    status: it.status,
    ...(it.disabledBecause && { disabledBecause: it.disabledBecause }),
    ...(it.failingSince && { failingSince: it.failingSince.toISOString() }),
    publicKey: it.secrets[0]?.publicKey ?? '',
    ...(oldSecretUntil !== undefined && { oldSecretUntil }),
  };
}

/** What came of a test: the status of the answer, and nothing else that a stranger's server has said. */
export const outcomeView = z
  .strictObject({
    delivered: z.boolean(),
    answer: z.int().optional().meta({ description: 'The status of the answer, if there was one.' }),
    error: z.string().optional(),
  })
  .meta({ id: 'TestOutcome' });

export const outcomeJson = (outcome: Outcome): z.output<typeof outcomeView> => ({
  delivered: outcome.result === 'delivered',
  ...(outcome.answer !== undefined && { answer: outcome.answer }),
  ...(outcome.result === 'failed' && { error: outcome.error }),
});

const input = {
  name: 'Back office',
  url: 'https://example.com/hooks/licet',
  events: ['license.*', 'alert.opened'],
  alertKinds: ['clone-suspected'],
};
const example = {
  id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f20',
  createdAt: '2026-01-02T09:00:00.000Z',
  updatedAt: '2026-01-02T09:00:00.000Z',
  version: 1,
  ...input,
  status: 'active',
  publicKey: 'whpk_11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
};
const secret = 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSwMfKQ9r8GKYo=';

export const webhookKind: Kind<Webhook, z.output<typeof webhookView>> = {
  thing: 'webhook',
  name: 'Webhook',
  path: WEBHOOKS,
  tag: 'Signals',
  read: 'webhook.read',
  view: webhookView,
  toJson: webhookJson,
  example,
  collection: ({ licensing }) => licensing.stores.webhooks,
  filters: { status: webhookView.shape.status.optional(), enterprise: idFilter('enterprise') },
  sortable: ['name'],
  enterpriseOf: ({ enterprise }) => enterprise ?? '',
  enterpriseField: 'enterprise',
};

const REFUSALS = { WEBHOOK_ADDRESS: 400, ENTERPRISE_NOT_FOUND: 404 } as const;
const FOUND = { WEBHOOK_NOT_FOUND: 404 } as const;

export const webhookEndpoints: readonly Endpoint[] = [
  ...readEndpoints(webhookKind),
  endpoint({
    method: 'POST',
    path: WEBHOOKS,
    operation: 'createWebhook',
    tag: 'Signals',
    summary: 'Have events sent to an address',
    description:
      'Signed by the scheme of Standard Webhooks, at least once, in no promised order. docs/notices.md says how to ' +
      'check a signature, and lists all events.',
    action: 'webhook.change',
    body: createWebhook.input,
    status: 201,
    answer: madeView,
    example: { body: input, answer: { ...example, secret } },
    refusals: { ...REFUSALS, WEBHOOKS_TOO_MANY: 409 },
    run: ({ principal, body }, { notices }) => createWebhook(notices)(principal, body),
    reply: (made) => ({ ...withSecret(made), location: `${WEBHOOKS}/${made.webhook.id}` }),
  }),
  endpoint({
    method: 'PUT',
    path: `${WEBHOOKS}/:id`,
    operation: 'changeWebhook',
    tag: 'Signals',
    summary: 'Change a webhook',
    action: 'webhook.change',
    params: idParams,
    body: changeWebhook.input.omit({ id: true, version: true }),
    changesVersion: true,
    status: 200,
    answer: webhookView,
    example: { body: { events: ['*'] }, answer: { ...example, events: ['*'], version: 2 } },
    refusals: { ...REFUSALS, ...FOUND },
    run: ({ principal, params, body, version }, { notices }) =>
      changeWebhook(notices)(principal, { ...body, id: params.id, version }),
    reply: versioned(webhookJson),
  }),
  endpoint({
    method: 'DELETE',
    path: `${WEBHOOKS}/:id`,
    operation: 'removeWebhook',
    tag: 'Signals',
    summary: 'Remove a webhook, and all that is on its way to it',
    action: 'webhook.change',
    params: idParams,
    changesVersion: true,
    status: 204,
    answer: z.undefined(),
    example: { answer: undefined },
    refusals: FOUND,
    run: ({ principal, params, version }, { notices }) => removeWebhook(notices)(principal, { id: params.id, version }),
    reply: () => ({ body: undefined }),
  }),
  endpoint({
    method: 'POST',
    path: `${WEBHOOKS}/:id/rotate`,
    operation: 'rotateWebhook',
    tag: 'Signals',
    summary: 'Give a webhook a new secret',
    description: 'The old one signs beside it for some hours, so that its receiver can be changed without a gap.',
    action: 'webhook.change',
    params: idParams,
    body: rotateWebhookSecret.input.omit({ id: true, version: true }),
    changesVersion: true,
    status: 200,
    answer: madeView,
    example: {
      body: { hours: 24 },
      answer: { ...example, version: 2, oldSecretUntil: '2026-01-03T09:00:00.000Z', secret },
    },
    refusals: FOUND,
    run: ({ principal, params, body, version }, { notices }) =>
      rotateWebhookSecret(notices)(principal, { ...body, id: params.id, version }),
    reply: withSecret,
  }),
  endpoint({
    method: 'POST',
    path: `${WEBHOOKS}/:id/test`,
    operation: 'testWebhook',
    tag: 'Signals',
    summary: 'Send a test event',
    description: 'One attempt, at once, whatever the webhook hears and also when it is disabled; not tried again.',
    action: 'webhook.change',
    params: idParams,
    status: 200,
    answer: outcomeView,
    example: { answer: { delivered: true, answer: 204 } },
    refusals: FOUND,
    run: ({ principal, params }, { notices }) => testWebhook(notices)(principal, params),
    reply: (outcome) => ({ body: outcomeJson(outcome) }),
  }),
  toggle('enable', 'From now on; what was missed can be replayed.', enableWebhook),
  toggle('disable', 'Nothing is delivered any more; what waits becomes dead letters.', disableWebhook),
];

function withSecret({ webhook, secret: shown }: WithSecret) {
  return { body: { ...webhookJson(webhook), secret: shown }, version: webhook.version };
}

function toggle(verb: 'enable' | 'disable', description: string, useCase: typeof enableWebhook): Endpoint {
  const disabled = { ...example, status: 'disabled', disabledBecause: 'person' };
  return endpoint({
    method: 'POST',
    path: `${WEBHOOKS}/:id/${verb}`,
    operation: `${verb}Webhook`,
    tag: 'Signals',
    summary: `${verb[0]?.toUpperCase()}${verb.slice(1)} a webhook`,
    description,
    action: 'webhook.change',
    params: idParams,
    changesVersion: true,
    status: 200,
    answer: webhookView,
    example: { answer: verb === 'enable' ? example : disabled },
    refusals: FOUND,
    run: ({ principal, params, version }, { notices }) => useCase(notices)(principal, { id: params.id, version }),
    reply: versioned(webhookJson),
  });
}
