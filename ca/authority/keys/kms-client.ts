import { readFile, stat } from 'node:fs/promises';
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { AuthorityError } from '../errors.ts';
import { signAwsRequest, type AwsCredentials } from './aws-signature.ts';
import { JsonObject } from './json.ts';

export type KmsOptions = {
  readonly region: string;
  readonly endpoint?: string | undefined;
  readonly credentialsFile: string;
  readonly profile?: string | undefined;
};

/** Below the time after which the signer's callers give up. */
const TIMEOUT_MS = 1500;
const MAX_ANSWER = 1 << 16;

/** The few calls of AWS KMS that we need, signed by hand: its SDK is 18 MB for them. */
export class KmsClient {
  readonly #options: KmsOptions;
  readonly #clock: { now(): Date };
  readonly #url: URL;
  readonly #agent: HttpAgent | HttpsAgent;
  #credentials: { readonly changedMs: number; readonly value: AwsCredentials } | undefined;

  constructor(options: KmsOptions, clock: { now(): Date }) {
    this.#options = options;
    this.#clock = clock;
    this.#url = new URL(options.endpoint ?? `https://kms.${options.region}.amazonaws.com/`);
    const keepAlive = { keepAlive: true, maxSockets: 16 };
    this.#agent = this.#url.protocol === 'https:' ? new HttpsAgent(keepAlive) : new HttpAgent(keepAlive);
  }

  async call(action: string, input: object): Promise<JsonObject> {
    const body = JSON.stringify(input);
    const request = {
      host: this.#url.host,
      path: this.#url.pathname,
      headers: { 'content-type': 'application/x-amz-json-1.1', 'x-amz-target': `TrentService.${action}` },
      body,
    };
    const scope = { region: this.#options.region, service: 'kms', at: this.#clock.now() };
    const headers = signAwsRequest(request, await this.#readCredentials(), scope);
    const { status, text } = await this.#post(headers, body);
    if (status !== 200) throw unavailable(action, `${status} ${text.slice(0, 200)}`);
    return JsonObject.parse(text);
  }

  close(): void {
    this.#agent.destroy();
  }

  async #post(headers: Record<string, string>, body: string): Promise<{ status: number; text: string }> {
    const send = this.#url.protocol === 'https:' ? httpsRequest : httpRequest;
    return new Promise((resolve, reject) => {
      const signal = AbortSignal.timeout(TIMEOUT_MS);
      const fail = (cause: unknown) =>
        reject(unavailable('call', cause instanceof Error ? cause.message : String(cause)));
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

  /** Read again when the file changes: short-lived credentials are renewed by whoever writes it. */
  async #readCredentials(): Promise<AwsCredentials> {
    const { credentialsFile, profile = 'default' } = this.#options;
    try {
      const changedMs = (await stat(credentialsFile)).mtimeMs;
      if (this.#credentials?.changedMs !== changedMs) {
        this.#credentials = { changedMs, value: parseCredentials(await readFile(credentialsFile, 'utf8'), profile) };
      }
      return this.#credentials.value;
    } catch (cause) {
      throw new AuthorityError('KEY_LOCKED', `${credentialsFile} gives no credentials for the profile "${profile}".`, {
        cause,
      });
    }
  }
}

/** The INI format of ~/.aws/credentials. Throws RangeError when the profile is not complete. */
export function parseCredentials(text: string, profile: string): AwsCredentials {
  const fields = new Map<string, string>();
  let section = '';
  for (const line of text.split(/\r?\n/)) {
    const heading = /^\s*\[([^\]]+)\]/.exec(line)?.[1];
    if (heading !== undefined) section = heading.trim();
    const [, name, value] = /^\s*([a-z_]+)\s*=\s*(.*?)\s*$/.exec(line) ?? [];
    if (section === profile && name !== undefined && value !== undefined) fields.set(name, value);
  }
  const accessKeyId = fields.get('aws_access_key_id');
  const secretAccessKey = fields.get('aws_secret_access_key');
  if (accessKeyId === undefined || secretAccessKey === undefined) throw new RangeError('The profile is not complete.');
  return { accessKeyId, secretAccessKey, sessionToken: fields.get('aws_session_token') };
}

function unavailable(action: string, reason: string): AuthorityError {
  return new AuthorityError('SIGNER_UNAVAILABLE', `AWS KMS did not answer ${action}: ${reason}`);
}
