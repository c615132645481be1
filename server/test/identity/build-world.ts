import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '@licet/checks';
import { exportJWK } from 'jose';
import { Provider } from 'oidc-provider';
import { run } from '../est/est-server.ts';
import { openWorld, type World } from '../est/world.ts';
import { type Listening, listenTls, localCertificate, newKey, type TlsFiles } from './issuer.ts';

export const AUDIENCE = 'https://licenses.acme.example';

/** What the provider is to say of the build, as GitHub does of its own. */
export type Build = Readonly<Record<string, string>>;
export const BUILD: Build = { repository_id: '74', repository_owner_id: '1', repository_visibility: 'private' };

/** A vendor, and a real OpenID provider that speaks for builds; builds of the repository 74 and 75 are trusted. */
export class BuildWorld {
  /** What the next token says. */
  build = BUILD;
  readonly world: World;
  readonly provider: Listening;
  readonly files: TlsFiles;
  /** The CA of the provider. */
  readonly ca: string;
  readonly #folder: string;

  private constructor(parts: { world: World; provider: Listening; files: TlsFiles; folder: string }) {
    this.world = parts.world;
    this.provider = parts.provider;
    this.files = parts.files;
    this.#folder = parts.folder;
    this.ca = join(parts.folder, 'ca.pem');
  }

  static async open(context: Mocha.Context): Promise<BuildWorld> {
    requireTool(context, 'openssl', 'curl');
    const held: { opened?: BuildWorld } = {};
    const files = localCertificate();
    const provider = await realProvider(files, () => held.opened?.build ?? BUILD);
    const folder = mkdtempSync(join(tmpdir(), 'licet-issuer-'));
    writeFileSync(join(folder, 'ca.pem'), files.cert);
    const world = await openWorld(context, { privateIssuers: ['localhost'], ca: join(folder, 'ca.pem') });
    held.opened = new BuildWorld({ world, provider, files, folder });
    await held.opened.trust('one repository', { repository_id: ['74', '75'], repository_owner_id: ['1'] });
    return held.opened;
  }

  /** An access token of the provider, as a JWT for one audience. */
  async token(audience = AUDIENCE): Promise<string> {
    const form = new URLSearchParams({ grant_type: 'client_credentials', resource: audience, scope: 'build' });
    const ran = await run('curl', ['-sSk', '-u', 'build:secret', '-d', form.toString(), `${this.provider.url}/token`]);
    return (JSON.parse(ran.out) as { access_token: string }).access_token;
  }

  async trust(name: string, conditions: Record<string, string[]>, more: object = {}): Promise<string> {
    const { base, globex, apiToken } = this.world;
    const wanted = { name, contract: globex.contract.id, mode: 'development', audience: AUDIENCE };
    const body = { ...wanted, issuer: this.provider.url, conditions, siteClaim: 'repository_id', ...more };
    const headers = ['-H', `Authorization: Bearer ${apiToken}`, '-H', 'Content-Type: application/json'];
    const options = [
      '-sS',
      '--fail-with-body',
      '--cacert',
      this.world.at('root.pem'),
      ...headers,
      '-d',
      JSON.stringify(body),
    ];
    const ran = await run('curl', [...options, `${base}/api/v1/trust-rules`]);
    assert.equal(ran.code, 0, ran.out);
    return (JSON.parse(ran.out) as { id: string }).id;
  }

  async close(): Promise<void> {
    await this.world.close();
    await this.provider.close();
    rmSync(this.#folder, { recursive: true });
  }
}

/** oidc-provider, with client credentials: its JWTs name one audience, a jti, and what we say of the build. */
async function realProvider(files: { cert: string; key: string }, build: () => Build): Promise<Listening> {
  const held: { answer?: Parameters<typeof listenTls>[1] } = {};
  const listening = await listenTls(files, (request, response) => held.answer?.(request, response));
  const { privateKey } = await newKey('provider');
  const jwk = { ...(await exportJWK(privateKey)), kid: 'provider', alg: 'ES256', use: 'sig' };
  const oidc = new Provider(listening.url, {
    clients: [
      {
        client_id: 'build',
        client_secret: 'secret',
        id_token_signed_response_alg: 'ES256',
        grant_types: ['client_credentials'],
        redirect_uris: [],
        response_types: [],
      },
    ],
    jwks: { keys: [jwk] },
    scopes: ['build'],
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_context: unknown, resource: string) => ({
          scope: 'build',
          audience: resource,
          accessTokenFormat: 'jwt',
          accessTokenTTL: 300,
          jwt: { sign: { alg: 'ES256' } },
        }),
      },
    },
    extraTokenClaims: () => build(),
  });
  held.answer = oidc.callback();
  return listening;
}
