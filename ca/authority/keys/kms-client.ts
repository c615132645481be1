import { AwsClient, fileCredentials, surroundingCredentials } from '@licet/keystores';
import { JsonObject } from './json.ts';
import { outside } from './outside.ts';

export type KmsOptions = {
  readonly region: string;
  readonly endpoint?: string | undefined;
  /** Without it, those that AWS gives to the container or the machine. */
  readonly credentialsFile?: string | undefined;
  readonly profile?: string | undefined;
};

/** Below the time after which the signer's callers give up. */
const TIMEOUT_MS = 1500;

export class KmsClient {
  readonly #aws: AwsClient;

  constructor({ region, endpoint, credentialsFile, profile }: KmsOptions, clock: { now(): Date }) {
    const service = { name: 'kms', target: 'TrentService', region, endpoint, timeoutMs: TIMEOUT_MS };
    const credentials =
      credentialsFile === undefined
        ? surroundingCredentials(process.env, clock)
        : fileCredentials(credentialsFile, profile);
    this.#aws = new AwsClient(service, credentials, clock);
  }

  async call(action: string, input: object): Promise<JsonObject> {
    return JsonObject.parse(await outside(this.#aws.call(action, input)));
  }

  close(): void {
    this.#aws.close();
  }
}
