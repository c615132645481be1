import { randomUUID } from 'node:crypto';
import { AwsClient, type CredentialSource, KeystoreError } from '@licet/keystores';
import { writeDurably } from './durable.ts';
import { AgentError } from './errors.ts';
import type { Settings } from './settings.ts';
import type { Generation, PendingRequest, SiteFolder, SiteStore } from './site-folder.ts';

/** What stands in the secret: everything that a machine without a disk of its own must not lose. */
type State = {
  readonly version: 1;
  readonly root?: string | undefined;
  readonly current?: Generation | undefined;
  readonly pending?: { readonly key: string; readonly request: string } | undefined;
};

const TIMEOUT_MS = 10_000;
/** The version that counts, in the words of AWS. */
const CURRENT = 'AWSCURRENT';

export type SecretPlace = NonNullable<Settings['secretsManager']>;

/**
 * A license with its key in AWS Secrets Manager, for machines that come and go. The folder is a copy of it, where
 * products find it as ever. Each change is in the secret first, and only if nobody else has changed it since it was
 * read: of two machines that renew at a time one goes on and the other begins again with what that one has made.
 */
export class SecretStore implements SiteStore {
  readonly #folder: SiteFolder;
  readonly #secret: string;
  readonly #aws: AwsClient;
  #state: State = { version: 1 };
  /** The version that was read or written last; undefined: there is no secret yet. */
  #version: string | undefined;

  constructor(
    folder: SiteFolder,
    { secret, region, endpoint }: SecretPlace,
    from: CredentialSource,
    clock: { now(): Date },
  ) {
    this.#folder = folder;
    this.#secret = secret;
    const service = { name: 'secretsmanager', target: 'secretsmanager', region, endpoint, timeoutMs: TIMEOUT_MS };
    this.#aws = new AwsClient(service, from, clock);
  }

  current(): Promise<Generation | undefined> {
    return this.#folder.current();
  }

  pending(): Promise<PendingRequest | undefined> {
    return this.#folder.pending();
  }

  /** What stands in the secret now, into the folder. */
  async refresh(): Promise<void> {
    const text = await this.#read();
    if (text === undefined) return;
    const { root, current, pending } = (this.#state = parseState(text));
    if (root !== undefined) await writeDurably(this.#folder.file('root.pem'), root);
    const here = await this.#folder.current();
    if (current !== undefined && here?.license !== current.license) await this.#folder.install(current);
    // What is there already is left alone: another process may be reading it.
    const open = (await this.#folder.pending())?.key;
    if (open === pending?.key) return;
    if (pending === undefined) await this.#folder.dropPending();
    else await this.#folder.keepPending({ key: pending.key, request: Buffer.from(pending.request, 'base64') });
  }

  async keepPending(pending: PendingRequest): Promise<void> {
    const request = Buffer.from(pending.request).toString('base64');
    await this.#write({ ...this.#state, pending: { key: pending.key, request } });
    await this.#folder.keepPending(pending);
  }

  async dropPending(): Promise<void> {
    if (this.#state.pending !== undefined) await this.#write({ ...this.#state, pending: undefined });
    await this.#folder.dropPending();
  }

  async install(generation: Generation): Promise<readonly string[]> {
    const root = await this.#folder.root();
    // With the request that it answers, in one step. Another request stays: the same key may get another chain.
    const { pending } = this.#state;
    const open = pending?.key === generation.key ? undefined : pending;
    await this.#write({ version: 1, root, current: generation, pending: open });
    return this.#folder.install(generation);
  }

  close(): void {
    this.#aws.close();
  }

  async #read(): Promise<string | undefined> {
    try {
      const answer = await this.#call('GetSecretValue', { SecretId: this.#secret, VersionStage: CURRENT });
      this.#version = answer['VersionId'];
      return answer['SecretString'] ?? '';
    } catch (error) {
      if (!isReason(error, 'ResourceNotFoundException')) throw error;
      this.#version = undefined;
      return undefined;
    }
  }

  async #write(state: State): Promise<void> {
    const SecretString = JSON.stringify(state);
    const ClientRequestToken = randomUUID();
    try {
      if (this.#version === undefined) {
        await this.#call('CreateSecret', { Name: this.#secret, SecretString, ClientRequestToken });
      } else {
        const next = { SecretId: this.#secret, SecretString, ClientRequestToken, VersionStages: ['LICET_NEXT'] };
        await this.#call('PutSecretValue', next);
        // Refused when the label is not where we have read it: somebody was faster.
        await this.#call('UpdateSecretVersionStage', {
          SecretId: this.#secret,
          VersionStage: CURRENT,
          MoveToVersionId: ClientRequestToken,
          RemoveFromVersionId: this.#version,
        });
      }
    } catch (error) {
      const isRace = isReason(error, 'InvalidParameterException') || isReason(error, 'ResourceExistsException');
      if (!isRace) throw error;
      const message = `Another machine has changed the secret ${this.#secret} meanwhile; this one begins again with that.`;
      throw new AgentError('UNAVAILABLE', message, { cause: error });
    }
    this.#version = ClientRequestToken;
    this.#state = state;
  }

  async #call(action: string, input: object): Promise<Record<string, string | undefined>> {
    try {
      return JSON.parse(await this.#aws.call(action, input)) as Record<string, string | undefined>;
    } catch (error) {
      if (!(error instanceof KeystoreError)) throw error;
      const code = error.code === 'unavailable' ? 'UNAVAILABLE' : 'KEY_UNAVAILABLE';
      throw new AgentError(code, error.message, { cause: error });
    }
  }
}

const isReason = (error: unknown, reason: string): boolean =>
  error instanceof AgentError && error.cause instanceof KeystoreError && error.cause.reason === reason;

function parseState(text: string): State {
  try {
    const state = JSON.parse(text) as State | null;
    if (state?.version === 1) return state;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new AgentError('STATE_DAMAGED', 'The secret holds something else than a license; name another secret.');
}
