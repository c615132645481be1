import type { AccessUse } from '../../http/api/endpoint.ts';
import type { Mailer, NoticeDeps, WebhookSender } from '../../licensing/notices/ports.ts';
import type { Dependencies } from '../../licensing/use-case.ts';
import { createWebhookSender } from '../../notices/webhook-sender.ts';
import { accessStores } from '../../persistence/access/index.ts';

/** The address of the test, which nothing listens at: what is sent there does not arrive, at once. */
const NOWHERE = '127.0.0.1';

export function noticeUse(licensing: Dependencies, { sealer, publicUrl }: AccessUse): NoticeDeps {
  const { clock } = licensing;
  const webhookSender: WebhookSender = createWebhookSender({
    clock,
    privateHosts: [NOWHERE],
    timeoutMs: 100,
    userAgent: 'Licet/0',
  });
  // What a mail server does is tried elsewhere, with a real one.
  const mailer: Mailer = { send: async () => ({ result: 'failed', answer: undefined, error: 'There is none.' }) };
  return { ...licensing, sealer, publicUrl, webhookSender, mailer, people: accessStores.people };
}
