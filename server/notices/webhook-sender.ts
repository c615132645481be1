import { lookup as systemLookup } from 'node:dns';
import { type ClientRequest, type IncomingMessage, request as plainRequest } from 'node:http';
import { request as tlsRequest, type RequestOptions } from 'node:https';
import type { Outcome } from '../licensing/model/delivery.ts';
import type { WebhookMessage, WebhookSender } from '../licensing/notices/ports.ts';
import { signatures } from '../licensing/notices/webhook-secret.ts';
import type { Clock } from '../licensing/ports/clock.ts';
import { hostOf, OutboundRefused, publicLookup, refusedHost } from '../outbound/public-address.ts';

export type WebhookSenderOptions = {
  readonly clock: Clock;
  /** Hosts that may have private addresses, and may be spoken to without TLS. */
  readonly privateHosts: readonly string[];
  /** PEM: who vouches for those, beside the public CAs. */
  readonly ca?: string | undefined;
  readonly timeoutMs: number;
  readonly userAgent: string;
};

/** Larger than any event; what is not would be a defect, and no receiver has to take it. */
const BODY_MOST = 64 * 1024;
/** Of the answer only the status counts; this much is read, so that the connection ends in good order. */
const ANSWER_MOST = 16 * 1024;
/** Receivers that name a later time are asked again before it. */
const RETRY_MOST_SECONDS = 24 * 60 * 60;

/**
 * Sends to addresses that organizations name: to public ones only, judged when the connection is made, over TLS, without
 * following redirects, and with bounds on time and size. Nothing that an answer says is shown to anybody but its status.
 */
export function createWebhookSender(options: WebhookSenderOptions): WebhookSender {
  const refuses = (address: string): string | undefined => refusal(address, options.privateHosts);
  return {
    refuses,
    async send(message, ending) {
      const refused = refuses(message.url);
      if (refused !== undefined) return failed(undefined, refused);
      if (Buffer.byteLength(message.body) > BODY_MOST) return failed(undefined, 'The message is too large to be sent.');
      const timeout = AbortSignal.timeout(options.timeoutMs);
      const signal = ending === undefined ? timeout : AbortSignal.any([ending, timeout]);
      try {
        return outcomeOf(await post(message, options, signal), options.clock);
      } catch (error) {
        if (timeout.aborted) return failed(undefined, `There was no answer within ${options.timeoutMs} ms.`);
        return failed(undefined, `It cannot be reached: ${reasonOf(error)}.`);
      }
    },
  };
}

function refusal(address: string, privateHosts: readonly string[]): string | undefined {
  if (!URL.canParse(address)) return 'This is no address; write it as https://example.com/hooks.';
  const url = new URL(address);
  const host = hostOf(url);
  const isPrivate = privateHosts.includes(host);
  if (url.protocol !== 'https:' && !(isPrivate && url.protocol === 'http:'))
    return 'The address must begin with https.';
  if (url.username !== '' || url.password !== '')
    return 'An address with a password in it stands in logs; leave it out.';
  if (url.hash !== '') return 'A fragment (#…) is never sent; leave it out.';
  const special = isPrivate ? undefined : refusedHost(host);
  return special && `${special}; whoever runs this server can allow it in webhooks.privateHosts.`;
}

function post(message: WebhookMessage, options: WebhookSenderOptions, signal: AbortSignal): Promise<IncomingMessage> {
  const { url: address, id, body, secrets } = message;
  const { clock, privateHosts, ca, userAgent } = options;
  const url = new URL(address);
  const isPrivate = privateHosts.includes(hostOf(url));
  const bytes = Buffer.from(body);
  const how: RequestOptions = {
    method: 'POST',
    signal,
    // A connection of its own: none that was judged for another address or another organization.
    agent: false,
    headers: {
      'content-type': 'application/json',
      'content-length': bytes.length,
      'user-agent': userAgent,
      ...signatures(secrets, id, clock.now(), body),
    },
    lookup: isPrivate ? systemLookup : publicLookup,
    ...(isPrivate && ca !== undefined && { ca }),
  };
  return new Promise((resolve, reject) => {
    const answered = (response: IncomingMessage): void => {
      let size = 0;
      response.on('data', (part: Buffer) => {
        size += part.length;
        if (size > ANSWER_MOST) response.destroy();
      });
      response.once('close', () => resolve(response));
      response.once('error', () => resolve(response));
    };
    const asked: ClientRequest =
      url.protocol === 'http:' ? plainRequest(url, how, answered) : tlsRequest(url, how, answered);
    asked.once('error', reject);
    asked.end(bytes);
  });
}

/** The organization reads this: it is no way to learn the addresses of our own network. */
const reasonOf = (error: unknown): string =>
  error instanceof OutboundRefused ? 'its name leads to an address that is not public' : (error as Error).message;

function outcomeOf({ statusCode = 0, headers }: IncomingMessage, clock: Clock): Outcome {
  if (statusCode >= 200 && statusCode < 300) return { result: 'delivered', answer: statusCode };
  const retryAfterSeconds = secondsOf(headers['retry-after'], clock);
  const isRedirect = statusCode >= 300 && statusCode < 400;
  const error = isRedirect ? 'It answers with a redirect, which is not followed.' : `It answers ${statusCode}.`;
  // RFC 9110 15.5.11: gone, and likely for good.
  return { ...failed(statusCode, error), retryAfterSeconds, isFinal: statusCode === 410 };
}

/** RFC 9110 10.2.3: seconds, or a date. */
function secondsOf(text: string | undefined, clock: Clock): number | undefined {
  if (text === undefined) return undefined;
  const seconds = /^\d{1,9}$/.test(text) ? Number(text) : (Date.parse(text) - clock.now().getTime()) / 1000;
  return Number.isFinite(seconds) && seconds > 0 ? Math.min(Math.ceil(seconds), RETRY_MOST_SECONDS) : undefined;
}

const failed = (answer: number | undefined, error: string) => ({ result: 'failed', answer, error }) as const;
