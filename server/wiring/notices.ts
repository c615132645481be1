import { readFileSync } from 'node:fs';
import { systemClock as clock } from '../clock.ts';
import type { Config } from '../config/index.ts';
import type { Ground } from '../ground.ts';
import type { AccessUse } from '../http/api/endpoint.ts';
import { inBatches, recalling } from '../jobs/housekeeping.ts';
import type { Job } from '../jobs/job.ts';
import type { NoticeDeps } from '../licensing/notices/ports.ts';
import type { Dependencies } from '../licensing/use-case.ts';
import { createMailer } from '../notices/mailer.ts';
import { startSender } from '../notices/sender.ts';
import { createWebhookSender } from '../notices/webhook-sender.ts';
import { accessStores } from '../persistence/access/index.ts';
import manifest from '../package.json' with { type: 'json' };

export type Notices = {
  /** For the use cases of `licensing/notices`. */
  readonly deps: NoticeDeps;
  readonly jobs: readonly Job[];
  /** Sends until the server stops. */
  start(ground: Ground): void;
};

/** What was delivered stays so long, for whoever looks into it, and what was not, to be replayed. */
const DELIVERY_DAYS = 30;
const BATCH = 1000;

/** How organizations are told of what happens. */
export function openNotices(config: Config, licensing: Dependencies, access: AccessUse): Notices {
  const { webhooks, mail } = config;
  const webhookSender = createWebhookSender({
    clock,
    privateHosts: webhooks.privateHosts,
    ca: read(webhooks.ca),
    timeoutMs: webhooks.timeoutSeconds * 1000,
    userAgent: `Licet/${manifest.version} (webhooks)`,
  });
  const { host, from, ...rest } = mail;
  const mailer =
    host === undefined || from === undefined ? undefined : createMailer({ ...rest, host, from, ca: read(mail.ca) });
  const { sealer, publicUrl } = access;
  const deps: NoticeDeps = { ...licensing, sealer, webhookSender, mailer, publicUrl, people: accessStores.people };
  const { deliveries } = licensing.stores;
  return {
    deps,
    jobs: [
      recalling('recall-deliveries', licensing.transactions, deliveries),
      {
        name: 'prune-deliveries',
        cron: '42 * * * *',
        timeoutSeconds: 300,
        run: (context) =>
          inBatches(licensing.transactions, context, (tx) => deliveries.prune(tx, DELIVERY_DAYS, BATCH), BATCH),
      },
    ],
    start({ log, metrics, lifecycle }) {
      const sender = startSender({
        deps,
        log: log.with({ component: 'notices' }),
        onDelivery: (labels, count) => metrics.noticeSent(labels, count),
      });
      lifecycle.add({ name: 'notices', stop: () => sender.stop() });
    },
  };
}

const read = (file: string | undefined): string | undefined =>
  file === undefined ? undefined : readFileSync(file, 'utf8');
