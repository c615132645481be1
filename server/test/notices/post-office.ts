import { createLog } from '../../log/log.ts';
import { createSealer } from '../../licensing/access/seal.ts';
import type { DeliveryStatus } from '../../licensing/model/delivery.ts';
import type { NoticeDeps } from '../../licensing/notices/ports.ts';
import { Office } from '../../licensing/test/office.ts';
import { accessStores } from '../../persistence/access/index.ts';
import { sql } from '../../persistence/database.ts';
import type { TestDatabase } from '../../persistence/test/test-database.ts';
import { type Sender, startSender } from '../../notices/sender.ts';
import { createWebhookSender } from '../../notices/webhook-sender.ts';

/** A vendor that tells others: its office, and what sends. */
export class PostOffice extends Office {
  readonly notices: NoticeDeps;
  readonly log: string[] = [];
  readonly results: string[] = [];
  readonly #database: TestDatabase;
  #sender: Sender | undefined;

  constructor(database: TestDatabase, more: Partial<NoticeDeps> = {}) {
    super(database);
    this.#database = database;
    const clock = { now: () => new Date() };
    this.notices = {
      ...this.deps,
      clock,
      sealer: createSealer(Buffer.alloc(32, 7), this.deps.random),
      webhookSender: createWebhookSender({
        clock,
        privateHosts: ['127.0.0.1'],
        timeoutMs: 500,
        userAgent: 'Licet/0',
      }),
      mailer: undefined,
      publicUrl: () => 'https://licet.example',
      people: accessStores.people,
      ...more,
    };
  }

  start(): void {
    const log = createLog({
      level: 'info',
      format: 'json',
      clock: this.notices.clock,
      write: (line) => this.log.push(line),
    });
    this.#sender = startSender({
      deps: this.notices,
      log,
      pollMs: 10,
      onDelivery: ({ channel, result }, count) => this.results.push(`${channel} ${result} ${count}`),
    });
  }

  async stop(): Promise<void> {
    await this.#sender?.stop(1000);
    this.#sender = undefined;
  }

  /** As if the time until its next attempt, and that of its webhook, had passed. */
  async hurry(receiver: string): Promise<void> {
    await this.#database.run('platform', async (tx) => {
      await sql(tx).query(
        `update deliveries set due_at = clock_timestamp() where receiver = $1 and status = 'waiting' and claim is null`,
        [receiver],
      );
    });
  }

  async age(receiver: string, days: number): Promise<void> {
    await this.#database.run('platform', async (tx) => {
      await sql(tx).query(
        `update webhooks set failing_since = failing_since - make_interval(days => $2) where id = $1`,
        [receiver, days],
      );
    });
  }

  async deliveries(receiver: string, status?: DeliveryStatus) {
    const query = { receiver, limit: 100, ...(status && { status }) };
    const page = await this.#database.run('platform', (tx) => this.deps.stores.deliveries.list(tx, query));
    return page.items;
  }
}
