import type { Person } from '../access/model.ts';
import type { Sealer } from '../access/seal.ts';
import type { Outcome } from '../model/delivery.ts';
import type { Collection } from '../ports/collection.ts';
import type { Dependencies } from '../use-case.ts';

/** A message to a webhook, signed by the scheme of Standard Webhooks. */
export type WebhookMessage = {
  readonly url: string;
  /** Stays the same however often it is sent. */
  readonly id: string;
  readonly body: string;
  /** The newest first; each of them signs. */
  readonly secrets: readonly string[];
};

export interface WebhookSender {
  /** Why nothing is ever sent to this address; undefined: it may be tried. */
  refuses(url: string): string | undefined;
  /** One attempt. Never rejects: what goes wrong is an outcome. */
  send(message: WebhookMessage, signal?: AbortSignal): Promise<Outcome>;
}

export type Mail = {
  readonly to: string;
  readonly subject: string;
  readonly text: string;
  /** The same in every attempt, so that a mail program knows a repetition. */
  readonly id?: string;
};

export interface Mailer {
  /** One attempt. Never rejects. */
  send(mail: Mail, signal?: AbortSignal): Promise<Outcome>;
}

/** What use cases about who is told work with. */
export type NoticeDeps = Dependencies & {
  readonly sealer: Sealer;
  readonly webhookSender: WebhookSender;
  /** Undefined where no mail server is configured. */
  readonly mailer: Mailer | undefined;
  /** How people reach this server; known once it listens. */
  readonly publicUrl: () => string;
  /** Who is invited. */
  readonly people: Pick<Collection<Person>, 'get'>;
};
