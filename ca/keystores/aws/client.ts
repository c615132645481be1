import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { KeystoreError } from '../errors.ts';
import type { CredentialSource } from './credentials.ts';
import { signAwsRequest } from './signature.ts';

export type AwsService = {
  /** As it stands in its address: `kms`, `secretsmanager`. */
  readonly name: string;
  /** In front of the names of its calls. */
  readonly target: string;
  readonly region: string;
  readonly endpoint?: string | undefined;
  readonly timeoutMs: number;
};

const MAX_ANSWER = 1 << 17;
/** Asked again it may be another answer. */
const PASSING: ReadonlySet<string> = new Set(['ThrottlingException', 'LimitExceededException']);

/** The few calls of AWS that we need, signed by hand: its SDK is 18 MB for them. */
export class AwsClient {
  readonly #service: AwsService;
  readonly #credentials: CredentialSource;
  readonly #clock: { now(): Date };
  readonly #url: URL;
  readonly #agent: HttpAgent | HttpsAgent;

  constructor(service: AwsService, credentials: CredentialSource, clock: { now(): Date }) {
    this.#service = service;
    this.#credentials = credentials;
    this.#clock = clock;
    this.#url = new URL(service.endpoint ?? `https://${service.name}.${service.region}.amazonaws.com/`);
    const keepAlive = { keepAlive: true, maxSockets: 16 };
    this.#agent = this.#url.protocol === 'https:' ? new HttpsAgent(keepAlive) : new HttpAgent(keepAlive);
  }

  /** The JSON that it answers, as text. */
  async call(action: string, input: object): Promise<string> {
    const { name, target, region } = this.#service;
    const body = JSON.stringify(input);
    const request = {
      host: this.#url.host,
      path: this.#url.pathname,
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `${target}.${action}` },
      body,
    };
    const scope = { region, service: name, at: this.#clock.now() };
    const headers = signAwsRequest(request, await this.#credentials(), scope);
    const { status, text } = await this.#post(headers, body);
    if (status === 200) return text;
    const reason = /"__type":"(?:[^"#]*#)?(\w+)"/.exec(text)?.[1];
    const isPassing = status >= 500 || (reason !== undefined && PASSING.has(reason));
    const message = `AWS ${name} did not do ${action}: ${status} ${text.slice(0, 200)}`;
    throw new KeystoreError(isPassing ? 'unavailable' : 'refused', message, { reason });
  }

  close(): void {
    this.#agent.destroy();
  }

  #post(headers: Record<string, string>, body: string): Promise<{ status: number; text: string }> {
    const { name, timeoutMs } = this.#service;
    const send = this.#url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const fail = (cause: Error) =>
        reject(new KeystoreError('unavailable', `AWS ${name} does not answer: ${cause.message}`, { cause }));
      const signal = AbortSignal.timeout(timeoutMs);
      const request = send(this.#url, { method: 'POST', headers, agent: this.#agent, signal }, (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => {
          text += chunk;
          if (text.length > MAX_ANSWER) response.destroy(new Error('its answer is too long'));
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, text }));
        response.on('error', fail);
      });
      request.on('error', fail);
      request.end(body);
    });
  }
}
