import { z } from 'zod';
import { type Delivery, DELIVERY_STATUSES } from '../../licensing/model/delivery.ts';
import { discardDelivery, replayDeadLetters, replayDelivery } from '../../licensing/notices/dead-letters.ts';
import { reading } from '../../licensing/use-case.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { ids, pageExample } from './examples.ts';
import { pageOf, pageQuery } from './paging.ts';
import { visible } from './things.ts';
import { webhookKind, WEBHOOKS } from './webhooks.ts';
import { id, idParams, instant } from './wire.ts';

const deliveryView = z
  .strictObject({
    id: z.uuid(),
    event: z.uuid().meta({ description: 'What the receiver sees as `webhook-id`, the same in every attempt.' }),
    type: z.string(),
    data: z.record(z.string(), z.unknown()),
    at: instant.meta({ description: 'When it happened.' }),
    status: z.enum(DELIVERY_STATUSES),
    attempts: z.int().min(0),
    nextAttemptAt: instant.optional(),
    answer: z.int().optional().meta({ description: 'The status of the last answer.' }),
    error: z.string().optional(),
    endedAt: instant.optional().meta({ description: 'When it was delivered or given up.' }),
  })
  .meta({ id: 'Delivery' });

const deliveryJson = (it: Delivery): z.output<typeof deliveryView> => ({
  id: it.id,
  event: it.event,
  type: it.type,
  data: { ...it.payload },
  at: it.at.toISOString(),
  status: it.status,
  attempts: it.attempts,
  ...(it.status === 'waiting' && { nextAttemptAt: it.dueAt.toISOString() }),
  ...(it.answer !== undefined && { answer: it.answer }),
  ...(it.error !== undefined && { error: it.error }),
  ...(it.endedAt && { endedAt: it.endedAt.toISOString() }),
});

const example = {
  id: '5f0f2a52-7a0d-4a27-9a6e-3d1c1c0c7a11',
  event: '0d9c1a0e-7f8b-4a54-9f3d-2b8f5e6a7c22',
  type: 'site.suspended',
  data: { subject: `site:${ids.SITE}`, enterprise: ids.ENTERPRISE, contract: ids.CONTRACT, mode: 'production' },
  at: '2026-01-02T09:00:00.000Z',
  status: 'dead',
  attempts: 11,
  answer: 503,
  error: 'It answers 503.',
  endedAt: '2026-01-05T09:00:00.000Z',
};

const ofWebhook = `${WEBHOOKS}/:id/deliveries`;
const oneParams = idParams.extend({ delivery: id });
const FOUND = { WEBHOOK_NOT_FOUND: 404 } as const;
const ONE = { ...FOUND, DELIVERY_NOT_FOUND: 404 } as const;

/** What is on its way to a webhook, what has arrived, and what was given up: the dead letters. */
export const deliveryEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: ofWebhook,
    operation: 'listDeliveries',
    tag: 'Signals',
    summary: 'List what was and is to be delivered to a webhook',
    description: 'With `status=dead`: the dead letters. They are kept for 30 days.',
    action: 'webhook.read',
    params: idParams,
    query: pageQuery.omit({ order: true }).extend({ status: z.enum(DELIVERY_STATUSES).optional() }),
    status: 200,
    answer: pageOf(deliveryView),
    example: { answer: pageExample(example) },
    refusals: FOUND,
    run({ principal, params, query: { limit, after, status } }, { licensing }) {
      const { webhooks, deliveries } = licensing.stores;
      const page = { limit, ...(after !== undefined && { after }), ...(status !== undefined && { status }) };
      return reading(licensing, principal, async (tx) => {
        const webhook = visible(webhookKind, principal, await webhooks.get(tx, params.id));
        return deliveries.list(tx, { receiver: webhook.id, ...page });
      });
    },
    reply: ({ items, next }) => ({
      body: { items: items.map(deliveryJson), ...(next !== undefined && { next }) },
      next,
    }),
  }),
  endpoint({
    method: 'POST',
    path: `${WEBHOOKS}/:id/replay`,
    operation: 'replayDeadLetters',
    tag: 'Signals',
    summary: 'Deliver dead letters again',
    description: 'All that are kept, or those of events since an instant. The receiver sees the same ids as before.',
    action: 'webhook.replay',
    params: idParams,
    body: replayDeadLetters.input.omit({ id: true }),
    status: 200,
    answer: z.strictObject({ replayed: z.int().min(0) }),
    example: { body: { since: '2026-01-02T00:00:00Z' }, answer: { replayed: 12 } },
    refusals: { ...FOUND, WEBHOOK_DISABLED: 409 },
    run: ({ principal, params, body }, { licensing }) =>
      replayDeadLetters(licensing)(principal, { ...body, id: params.id }),
    reply: (body) => ({ body }),
  }),
  endpoint({
    method: 'POST',
    path: `${ofWebhook}/:delivery/replay`,
    operation: 'replayDelivery',
    tag: 'Signals',
    summary: 'Deliver one again',
    description: 'A dead letter, or what has arrived and was lost by its receiver.',
    action: 'webhook.replay',
    params: oneParams,
    status: 204,
    answer: z.undefined(),
    example: { answer: undefined },
    refusals: { ...ONE, WEBHOOK_DISABLED: 409 },
    run: ({ principal, params }, { licensing }) => replayDelivery(licensing)(principal, params),
    reply: () => ({ body: undefined }),
  }),
  endpoint({
    method: 'DELETE',
    path: `${ofWebhook}/:delivery`,
    operation: 'discardDelivery',
    tag: 'Signals',
    summary: 'Throw a dead letter away',
    action: 'webhook.replay',
    params: oneParams,
    status: 204,
    answer: z.undefined(),
    example: { answer: undefined },
    refusals: ONE,
    run: ({ principal, params }, { licensing }) => discardDelivery(licensing)(principal, params),
    reply: () => ({ body: undefined }),
  }),
];
