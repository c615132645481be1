import { z } from 'zod';
import { settleAlert } from '../alerts/raise-alert.ts';
import { assertSeen, changed, found, newEntity } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { displayName, reference, version } from '../fields.ts';
import type { Outcome } from '../model/delivery.ts';
import { newId } from '../model/id.ts';
import type { Webhook } from '../model/receiver.ts';
import { type Dependencies, inTransaction, reading, type Work } from '../use-case.ts';
import { EVENT_PATTERNS } from './catalog.ts';
import { alertKinds, assertMayHear, enterprise, events } from './hears.ts';
import { noticeUseCase } from './input.ts';
import { bodyOf } from './message.ts';
import type { NoticeDeps } from './ports.ts';
import { newWebhookSecret, openSecrets, sealSecret } from './webhook-secret.ts';

const URL_MOST = 2000;
/** Of one organization: each event is looked at once for each. */
const MOST_WEBHOOKS = 50;
const HOUR_MS = 3_600_000;

export const webhookKey = (id: string): string => `webhook:${id}`;

const url = z.string().min(1).max(URL_MOST).describe('Where to: an https address.').meta({
  example: 'https://example.com/hooks/licet',
});
const patterns = events(EVENT_PATTERNS as [string, ...string[]]).meta({ example: ['license.*', 'alert.opened'] });
const target = z.strictObject({ id: reference('webhook'), version });

/** Shown once: it is sealed at rest, and there is no way to read it again but to rotate it. */
export type WithSecret = { readonly webhook: Webhook; readonly secret: string };

export const createWebhook = noticeUseCase(
  z.strictObject({
    name: displayName,
    url,
    events: patterns,
    alertKinds: alertKinds.default([]),
    enterprise: enterprise.optional(),
  }),
  (deps, actor, input): Promise<WithSecret> =>
    inTransaction(deps, actor, async (work) => {
      await assertMayHear(deps, work.tx, actor, { enterprise: input.enterprise });
      assertAddress(deps, input.url);
      if ((await deps.stores.webhooks.count(work.tx, {})) >= MOST_WEBHOOKS) {
        const message = `An organization has at most ${MOST_WEBHOOKS} webhooks; remove one, or hear more by another.`;
        throw new LicetError('conflict', 'WEBHOOKS_TOO_MANY', message);
      }
      const entity = newEntity(deps, actor.organization, work.at);
      const secret = newWebhookSecret(deps.random);
      const webhook: Webhook = {
        ...entity,
        ...input,
        enterprise: input.enterprise,
        secrets: [sealSecret(deps.sealer, entity.id, secret)],
        status: 'active',
        disabledBecause: undefined,
        failingSince: undefined,
      };
      await deps.stores.webhooks.insert(work.tx, webhook);
      work.note({ action: 'webhook.created', subject: webhookKey(webhook.id) });
      return { webhook, secret };
    }),
);

export const changeWebhook = noticeUseCase(
  z.strictObject({
    ...target.shape,
    name: displayName.optional(),
    url: url.optional(),
    events: patterns.optional(),
    alertKinds: alertKinds.optional(),
    enterprise: enterprise.optional(),
  }),
  (deps, actor, { id, version: seen, ...input }) =>
    inTransaction(deps, actor, async (work) => {
      await assertMayHear(deps, work.tx, actor, { enterprise: input.enterprise });
      const before = await lockWebhook(deps, work, id, seen);
      if (input.url !== undefined) assertAddress(deps, input.url);
      const given = Object.fromEntries(Object.entries(input).filter(([, value]) => value !== undefined));
      const after = changed(before, work.at, given);
      await deps.stores.webhooks.replace(work.tx, after);
      work.note({ action: 'webhook.changed', subject: webhookKey(id) });
      return after;
    }),
);

/** Nothing is delivered any more; what waits becomes dead letters, which can be replayed. */
export const disableWebhook = noticeUseCase(target, (deps, actor, { id, version: seen }) =>
  inTransaction(deps, actor, async (work) => {
    await assertMayHear(deps, work.tx, actor, { enterprise: undefined });
    const before = await lockWebhook(deps, work, id, seen);
    return before.status === 'disabled' ? before : disable(deps, work, before, 'person');
  }),
);

export async function disable(
  deps: Dependencies,
  work: Work,
  webhook: Webhook,
  because: NonNullable<Webhook['disabledBecause']>,
): Promise<Webhook> {
  const after = changed(webhook, work.at, { status: 'disabled', disabledBecause: because });
  await deps.stores.webhooks.replace(work.tx, after);
  const waiting = await deps.stores.deliveries.giveUp(work.tx, webhook.id, 'The webhook was disabled.');
  work.note({ action: 'webhook.disabled', subject: webhookKey(webhook.id), details: { because, waiting } });
  return after;
}

/** From now on; what was missed is replayed by `replayDeadLetters`. */
export const enableWebhook = noticeUseCase(target, (deps, actor, { id, version: seen }) =>
  inTransaction(deps, actor, async (work) => {
    await assertMayHear(deps, work.tx, actor, { enterprise: undefined });
    const before = await lockWebhook(deps, work, id, seen);
    if (before.status === 'active') return before;
    const cleared = { status: 'active', disabledBecause: undefined, failingSince: undefined } as const;
    const after = changed(before, work.at, cleared);
    await deps.stores.webhooks.replace(work.tx, after);
    work.note({ action: 'webhook.enabled', subject: webhookKey(id) });
    await settleAlert(deps, work, webhookKey(id), actor.id);
    return after;
  }),
);

export const removeWebhook = noticeUseCase(target, (deps, actor, { id, version: seen }) =>
  inTransaction(deps, actor, async (work) => {
    await assertMayHear(deps, work.tx, actor, { enterprise: undefined });
    await lockWebhook(deps, work, id, seen);
    await deps.stores.removeReceiver(work.tx, id);
    await settleAlert(deps, work, webhookKey(id), actor.id);
    work.note({ action: 'webhook.removed', subject: webhookKey(id) });
  }),
);

/** A new secret at once; the old one signs beside it for a while, so that receivers are changed without a gap. */
export const rotateWebhookSecret = noticeUseCase(
  z.strictObject({
    ...target.shape,
    hours: z
      .number()
      .int()
      .min(0)
      .max(168)
      .default(24)
      .describe('How long the old secret signs as well; 0 when somebody else may have it.'),
  }),
  (deps, actor, { id, version: seen, hours }): Promise<WithSecret> =>
    inTransaction(deps, actor, async (work) => {
      await assertMayHear(deps, work.tx, actor, { enterprise: undefined });
      const before = await lockWebhook(deps, work, id, seen);
      const secret = newWebhookSecret(deps.random);
      const until = new Date(work.at.getTime() + hours * HOUR_MS).toISOString();
      // Two at most: whoever rotates twice in a hurry has a reason to.
      const old = before.secrets.slice(0, hours === 0 ? 0 : 1).map((one) => ({ ...one, until }));
      const secrets = [sealSecret(deps.sealer, id, secret), ...old];
      const webhook = changed(before, work.at, { secrets });
      await deps.stores.webhooks.replace(work.tx, webhook);
      work.note({ action: 'webhook.rotated', subject: webhookKey(id), details: { hours } });
      return { webhook, secret };
    }),
);

/** One attempt with an event that means nothing, also to a webhook that is disabled; it is not tried again. */
export const testWebhook = noticeUseCase(
  z.strictObject({ id: reference('webhook') }),
  async (deps, actor, { id }): Promise<Outcome> => {
    const webhook = await reading(deps, actor, async (tx) => {
      await assertMayHear(deps, tx, actor, { enterprise: undefined });
      return found('webhook', await deps.stores.webhooks.get(tx, id));
    });
    const at = deps.clock.now();
    const event = { type: 'webhook.test', at, organization: actor.organization };
    return deps.webhookSender.send({
      url: webhook.url,
      id: newId(deps.clock, deps.random),
      body: bodyOf({ ...event, payload: { subject: webhookKey(id), actor: actor.id } }),
      secrets: openSecrets(deps.sealer, webhook, at),
    });
  },
);

function assertAddress({ webhookSender }: NoticeDeps, address: string): void {
  const refused = webhookSender.refuses(address);
  if (refused !== undefined) throw new LicetError('invalid', 'WEBHOOK_ADDRESS', refused, { pointer: '/url' });
}

async function lockWebhook({ stores }: Dependencies, { tx }: Work, id: string, seen: number | undefined) {
  const webhook = found('webhook', await stores.webhooks.lock(tx, id));
  assertSeen('webhook', webhook, seen);
  return webhook;
}
