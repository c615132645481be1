export type Channel = 'webhook' | 'mail';

export const DELIVERY_STATUSES = ['waiting', 'delivered', 'dead'] as const;
export type DeliveryStatus = (typeof DELIVERY_STATUSES)[number];

/** One event on its way to one receiver. */
export type Delivery = {
  readonly id: string;
  readonly organization: string;
  readonly channel: Channel;
  /** A webhook, a mail recipient, or the person who is invited. */
  readonly receiver: string;
  /** The id of the event, by which the receiver drops a repetition. */
  readonly event: string;
  readonly type: string;
  readonly payload: Readonly<Record<string, unknown>>;
  readonly at: Date;
  /** Sealed: what only the receiver may read. */
  readonly secret: string | undefined;
  readonly status: DeliveryStatus;
  /** Those under way included. */
  readonly attempts: number;
  readonly dueAt: Date;
  /** The HTTP or SMTP status of the last answer. */
  readonly answer: number | undefined;
  readonly error: string | undefined;
  readonly writtenAt: Date;
  /** When it was delivered or given up. */
  readonly endedAt: Date | undefined;
};

/** What came of an attempt. */
export type Outcome =
  | { readonly result: 'delivered'; readonly answer: number }
  | {
      readonly result: 'failed';
      /** The HTTP or SMTP status; undefined when there was none. */
      readonly answer: number | undefined;
      readonly error: string;
      /** As the receiver has asked for. */
      readonly retryAfterSeconds?: number | undefined;
      /** The receiver says that trying again is of no use. */
      readonly isFinal?: boolean;
    };
