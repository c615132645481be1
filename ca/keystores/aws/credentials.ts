import { readFile, stat } from 'node:fs/promises';
import { request } from 'node:http';
import { join } from 'node:path';
import { KeystoreError } from '../errors.ts';

export type AwsCredentials = {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string | undefined;
};

/** Asked before each call; rejects with a KeystoreError (locked) when there are none. */
export type CredentialSource = () => Promise<AwsCredentials>;

/** Of a file like ~/.aws/credentials; read again when it changes: short-lived ones are renewed by whoever writes it. */
export function fileCredentials(file: string, profile = 'default'): CredentialSource {
  let known: { readonly changedMs: number; readonly value: AwsCredentials } | undefined;
  return async () => {
    try {
      const changedMs = (await stat(file)).mtimeMs;
      if (known?.changedMs !== changedMs) {
        known = { changedMs, value: parseCredentials(await readFile(file, 'utf8'), profile) };
      }
      return known.value;
    } catch (cause) {
      throw new KeystoreError('locked', `${file} gives no credentials for the profile "${profile}".`, { cause });
    }
  };
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

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * Where programs on AWS find theirs, in the order of its SDKs: the environment, the container (ECS and EKS), a file, the
 * machine (IMDSv2). Those of container and machine end within hours, so they are asked for anew.
 */
export function surroundingCredentials(env: Environment, clock: { now(): Date }): CredentialSource {
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (accessKeyId !== undefined && secretAccessKey !== undefined) {
    const credentials = { accessKeyId, secretAccessKey, sessionToken: env['AWS_SESSION_TOKEN'] };
    return () => Promise.resolve(credentials);
  }
  const relative = env['AWS_CONTAINER_CREDENTIALS_RELATIVE_URI'];
  const full = relative === undefined ? env['AWS_CONTAINER_CREDENTIALS_FULL_URI'] : `http://169.254.170.2${relative}`;
  if (full !== undefined) return remembered(clock, () => ofContainer(full, env));
  const file = env['AWS_SHARED_CREDENTIALS_FILE'] ?? (env['HOME'] && join(env['HOME'], '.aws', 'credentials'));
  const machine = remembered(clock, () =>
    ofMachine(env['AWS_EC2_METADATA_SERVICE_ENDPOINT'] ?? 'http://169.254.169.254'),
  );
  if (file === undefined || file === '') return machine;
  const ofFile = fileCredentials(file, env['AWS_PROFILE']);
  return () => ofFile().catch(machine);
}

type Passing = { readonly credentials: AwsCredentials; readonly until: Date };

/** Asked for anew some time before they end. */
const EARLY_MS = 5 * 60_000;

function remembered(clock: { now(): Date }, ask: () => Promise<Passing>): CredentialSource {
  let known: Passing | undefined;
  return async () => {
    if (known === undefined || known.until.getTime() - EARLY_MS <= clock.now().getTime()) known = await ask();
    return known.credentials;
  };
}

async function ofContainer(address: string, env: Environment): Promise<Passing> {
  const file = env['AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE'];
  const token = file === undefined ? env['AWS_CONTAINER_AUTHORIZATION_TOKEN'] : (await readFile(file, 'utf8')).trim();
  return parsePassing(await fetchText('GET', address, token === undefined ? {} : { authorization: token }));
}

/** Version 2 only: version 1 answers whoever can make the machine send a GET. */
async function ofMachine(base: string): Promise<Passing> {
  const token = await fetchText('PUT', `${base}/latest/api/token`, { 'x-aws-ec2-metadata-token-ttl-seconds': '60' });
  const headers = { 'x-aws-ec2-metadata-token': token };
  const place = `${base}/latest/meta-data/iam/security-credentials/`;
  const role = (await fetchText('GET', place, headers)).trim();
  return parsePassing(await fetchText('GET', place + encodeURIComponent(role), headers));
}

function parsePassing(text: string): Passing {
  try {
    const { AccessKeyId, SecretAccessKey, Token, Expiration } = JSON.parse(text) as Record<string, string | undefined>;
    const until = new Date(Expiration ?? '');
    if (AccessKeyId === undefined || SecretAccessKey === undefined || Number.isNaN(until.getTime())) {
      throw new RangeError('they are not complete');
    }
    return { credentials: { accessKeyId: AccessKeyId, secretAccessKey: SecretAccessKey, sessionToken: Token }, until };
  } catch (cause) {
    throw new KeystoreError('locked', `AWS gives this machine no credentials: ${(cause as Error).message}.`, { cause });
  }
}

const TIMEOUT_MS = 2000;

function fetchText(method: string, address: string, headers: Readonly<Record<string, string>>): Promise<string> {
  return new Promise((resolve, reject) => {
    const fail = (cause: Error) =>
      reject(new KeystoreError('locked', `${address} gives no AWS credentials: ${cause.message}.`, { cause }));
    const asked = request(address, { method, headers, signal: AbortSignal.timeout(TIMEOUT_MS) }, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.on('error', fail);
      response.on('end', () => {
        if (response.statusCode === 200) resolve(text);
        else fail(new Error(`it answers ${response.statusCode}`));
      });
    });
    asked.on('error', fail).end();
  });
}
