import { raiseAlert } from '../alerts/raise-alert.ts';
import type { Outcome } from '../model/delivery.ts';
import type { DeliveryClaim } from '../ports/deliveries.ts';
import { inTransaction, reading, type Work } from '../use-case.ts';
import { bodyOf } from './message.ts';
import type { NoticeDeps } from './ports.ts';
import { nextAttempt } from './schedule.ts';
import { openSecrets } from './webhook-secret.ts';
import { disable, webhookKey } from './webhooks.ts';

const ACTOR = 'job:deliveries';
/**
 * A webhook that says that it is gone, or that took nothing for so long when a delivery is given up, is disabled: a
 * person has to ask whoever is behind it.
 */
const FAILING_SECONDS = 2 * 24 * 60 * 60;

/** Sends one message to its webhook. */
export async function sendToWebhook(deps: NoticeDeps, claim: DeliveryClaim, signal: AbortSignal): Promise<Outcome> {
  const webhook = await reading(deps, claim, (tx) => deps.stores.webhooks.get(tx, claim.receiver));
  if (webhook === undefined) return { result: 'failed', answer: undefined, error: 'The webhook is gone.' };
  const secrets = openSecrets(deps.sealer, webhook, deps.clock.now());
  return deps.webhookSender.send({ url: webhook.url, id: claim.event, body: bodyOf(claim), secrets }, signal);
}

export type Noted = 'delivered' | 'failed' | 'dead';

/** Writes down what came of an attempt, for one delivery or for several that went out together. */
export function noteOutcome(deps: NoticeDeps, claims: readonly DeliveryClaim[], outcome: Outcome): Promise<Noted> {
  const [first] = claims;
  if (first === undefined) return Promise.resolve('delivered');
  return inTransaction(deps, { organization: first.organization, id: ACTOR }, async (work) => {
    if (outcome.result === 'delivered') {
      for (const claim of claims) await deps.stores.deliveries.settle(work.tx, claim, outcome.answer);
      return 'delivered';
    }
    let noted: Noted = 'failed';
    for (const claim of claims) {
      const next = nextAttempt(claim.attempts, outcome, deps.random);
      const failingSeconds = await deps.stores.deliveries.fail(work.tx, claim, outcome, next);
      if (next !== 'dead') continue;
      noted = 'dead';
      const isGone = outcome.isFinal === true;
      if (isGone || (failingSeconds ?? 0) >= FAILING_SECONDS) await giveUpWebhook(deps, work, claim, isGone);
    }
    return noted;
  });
}

async function giveUpWebhook(deps: NoticeDeps, work: Work, claim: DeliveryClaim, isGone: boolean): Promise<void> {
  const webhook = await deps.stores.webhooks.lock(work.tx, claim.receiver);
  if (webhook === undefined || webhook.status === 'disabled') return;
  const because = isGone ? 'gone' : 'failing';
  await disable(deps, work, webhook, because);
  const key = webhookKey(webhook.id);
  const details = { webhook: webhook.id, because };
  const where = { organization: claim.organization, enterprise: undefined, site: undefined };
  await raiseAlert(deps, work, { ...where, kind: 'webhook-disabled', key, severity: 'critical', details });
}
