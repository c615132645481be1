import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { isSigned } from './aws-check.ts';

/** Speaks the part of AWS Secrets Manager that we use: versions, and the label of the one that counts. */
export type SecretsEndpoint = {
  readonly url: string;
  readonly secrets: Map<string, Secret>;
  /** Set to answer every call with this status instead. */
  failWith: number | undefined;
  close(): Promise<void>;
};

type Secret = { current: string; readonly versions: Map<string, string> };
type Input = Readonly<Record<string, string>>;
type Answer = { readonly status: number; readonly content: object };

const done = (content: object): Answer => ({ status: 200, content });
const refused = (type: string): Answer => ({ status: 400, content: { __type: type, Message: 'refused' } });

const ACTIONS: Readonly<Record<string, (secrets: Map<string, Secret>, input: Input) => Answer>> = {
  CreateSecret(secrets, { Name = '', SecretString = '', ClientRequestToken = '' }) {
    if (secrets.has(Name)) return refused('ResourceExistsException');
    secrets.set(Name, { current: ClientRequestToken, versions: new Map([[ClientRequestToken, SecretString]]) });
    return done({ Name, VersionId: ClientRequestToken });
  },
  GetSecretValue(secrets, { SecretId = '', VersionStage }) {
    const secret = secrets.get(SecretId);
    if (secret === undefined || VersionStage !== 'AWSCURRENT') return refused('ResourceNotFoundException');
    return done({ VersionId: secret.current, SecretString: secret.versions.get(secret.current) });
  },
  PutSecretValue(secrets, { SecretId = '', SecretString = '', ClientRequestToken = '' }) {
    const secret = secrets.get(SecretId);
    if (secret === undefined) return refused('ResourceNotFoundException');
    // With a label of its own it does not become the current one.
    secret.versions.set(ClientRequestToken, SecretString);
    return done({ VersionId: ClientRequestToken });
  },
  UpdateSecretVersionStage(secrets, { SecretId = '', VersionStage, MoveToVersionId = '', RemoveFromVersionId = '' }) {
    const secret = secrets.get(SecretId);
    if (secret === undefined) return refused('ResourceNotFoundException');
    const isThere = secret.current === RemoveFromVersionId && secret.versions.has(MoveToVersionId);
    if (VersionStage !== 'AWSCURRENT' || !isThere) return refused('InvalidParameterException');
    secret.current = MoveToVersionId;
    return done({});
  },
};

export async function startSecretsEndpoint(): Promise<SecretsEndpoint> {
  const secrets = new Map<string, Secret>();
  const server = createServer((request, response) => {
    let body = '';
    request.on('data', (chunk: Buffer) => (body += chunk.toString()));
    request.on('end', () => {
      const answer = ({ status, content }: Answer) => response.writeHead(status).end(JSON.stringify(content));
      if (endpoint.failWith !== undefined) return answer({ status: endpoint.failWith, content: {} });
      if (!isSigned(request, body, 'secretsmanager')) return answer(refused('InvalidSignatureException'));
      const action = ACTIONS[String(request.headers['x-amz-target']).replace('secretsmanager.', '')];
      return answer(action === undefined ? refused('UnknownOperation') : action(secrets, JSON.parse(body) as Input));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const endpoint: SecretsEndpoint = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`,
    secrets,
    failWith: undefined,
    async close() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
  };
  return endpoint;
}
