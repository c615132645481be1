import { z } from 'zod';
import { assertWholeOrganization, found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { reference } from '../fields.ts';
import { type Dependencies, inTransaction, useCase, type Work } from '../use-case.ts';
import { webhookKey } from './webhooks.ts';

const one = z.strictObject({ id: reference('webhook'), delivery: reference('delivery') });

/** Delivers again what has ended, dead or not: the receiver may have lost it. */
export const replayDelivery = useCase(one, (deps, actor, { id, delivery }) =>
  inTransaction(deps, actor, async (work) => {
    assertWholeOrganization(actor);
    await assertActive(deps, work, id);
    const replayed = await deps.stores.deliveries.replay(work.tx, id, delivery);
    found('delivery', replayed || undefined);
    work.note({ action: 'webhook.replayed', subject: webhookKey(id), details: { delivery } });
  }),
);

/** All that was given up, or what of it happened since. */
export const replayDeadLetters = useCase(
  z.strictObject({
    id: reference('webhook'),
    since: z.iso
      .datetime({ offset: true })
      .optional()
      .describe('Only events from this instant on; without it, all that is kept.')
      .meta({ example: '2026-01-31T12:00:00Z' }),
  }),
  (deps, actor, { id, since }): Promise<{ replayed: number }> =>
    inTransaction(deps, actor, async (work) => {
      assertWholeOrganization(actor);
      await assertActive(deps, work, id);
      const from = since === undefined ? undefined : new Date(since);
      const replayed = await deps.stores.deliveries.replayDead(work.tx, id, from);
      if (replayed > 0) work.note({ action: 'webhook.replayed', subject: webhookKey(id), details: { replayed } });
      return { replayed };
    }),
);

/** Nobody will ever get it. */
export const discardDelivery = useCase(one, (deps, actor, { id, delivery }) =>
  inTransaction(deps, actor, async (work) => {
    assertWholeOrganization(actor);
    found('webhook', await deps.stores.webhooks.lock(work.tx, id));
    const discarded = await deps.stores.deliveries.discard(work.tx, id, delivery);
    found('delivery', discarded || undefined);
    work.note({ action: 'webhook.discarded', subject: webhookKey(id), details: { delivery } });
  }),
);

async function assertActive({ stores }: Dependencies, { tx }: Work, id: string): Promise<void> {
  const { status } = found('webhook', await stores.webhooks.lock(tx, id));
  if (status === 'active') return;
  throw new LicetError('conflict', 'WEBHOOK_DISABLED', 'The webhook is disabled; enable it, then replay.');
}
