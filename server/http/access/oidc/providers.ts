import { z } from 'zod';
import type { IdentityProviders, ProviderClient } from '../../../licensing/access/external-ports.ts';
import { LicetError } from '../../../licensing/errors.ts';
import type { Clock } from '../../../licensing/ports/clock.ts';
import type { Log } from '../../../log/log.ts';
import { FetchRefused, type Form } from '../../identity/guarded-fetch.ts';
import { KeySets } from '../../identity/key-sets.ts';
import { IdTokenRefused, verifyIdToken } from './id-token.ts';

export type OidcDeps = {
  /** Over https only, to public addresses only, without redirects, with bounds on size and time: `guarded-fetch.ts`. */
  readonly fetchJson: (address: string, form?: Form) => Promise<unknown>;
  readonly clock: Clock;
  readonly log: Log;
};

const httpsUrl = z.url({ protocol: /^https$/ });
const discovery = z.object({
  issuer: z.string(),
  authorization_endpoint: httpsUrl,
  token_endpoint: httpsUrl,
  jwks_uri: httpsUrl,
});
type Discovery = z.output<typeof discovery>;
const tokenAnswer = z.object({ id_token: z.string().min(1) });

const FRESH_MS = 10 * 60_000;
const MOST_ISSUERS = 1000;

export function createIdentityProviders(deps: OidcDeps): IdentityProviders {
  const keySets = new KeySets({ ...deps, fetchJson: (address) => deps.fetchJson(address) });
  const discover = discoverer(deps);
  return {
    async authorizationUrl(client, { redirectUri, state, nonce, challenge }) {
      const url = new URL((await reached(deps, () => discover(client.issuer))).authorization_endpoint);
      const parameters = {
        response_type: 'code',
        client_id: client.clientId,
        redirect_uri: redirectUri,
        scope: 'openid email',
        state,
        nonce,
        code_challenge: challenge,
        code_challenge_method: 'S256',
      };
      for (const [name, value] of Object.entries(parameters)) url.searchParams.set(name, value);
      return url.href;
    },

    async redeem(client, { code, redirectUri, verifier, nonce }) {
      const { issuer, clientId, algorithms } = client;
      const { token_endpoint: endpoint, jwks_uri: keys } = await reached(deps, () => discover(issuer));
      try {
        const answer = await deps.fetchJson(endpoint, codeForm(client, { code, redirectUri, verifier }));
        const { id_token: token } = tokenAnswer.parse(answer);
        const expected = { issuer, clientId, algorithms, nonce, at: deps.clock.now() };
        const find = keySets.finder({ issuer, keys });
        return await verifyIdToken(token, {
          ...expected,
          keys: (...asked) => reached(deps, async () => find(...asked)),
        });
      } catch (error) {
        if (!isForeseen(error)) throw error;
        deps.log.warn({ err: error }, 'a sign-in by a provider was refused');
        const message = 'The provider did not confirm this sign-in; begin anew.';
        throw new LicetError('unauthenticated', 'PROVIDER_REFUSED', message, { cause: error });
      }
    },
  };
}

/** RFC 6749 §4.1.3; with a secret in the header (§2.3.1), where no log of addresses or bodies finds it. */
function codeForm(
  { clientId, clientSecret }: ProviderClient,
  { code, redirectUri, verifier }: { code: string; redirectUri: string; verifier: string },
): Form {
  const fields = new URLSearchParams({
    grant_type: 'authorization_code',
    code,
    redirect_uri: redirectUri,
    code_verifier: verifier,
  });
  if (clientSecret === undefined) {
    fields.set('client_id', clientId);
    return { fields };
  }
  const encode = (text: string): string => new URLSearchParams([['', text]]).toString().slice(1);
  const pair = Buffer.from(`${encode(clientId)}:${encode(clientSecret)}`).toString('base64');
  return { fields, authorization: `Basic ${pair}` };
}

/** OpenID Connect Discovery §4; §4.3: the document must name the issuer itself. */
function discoverer({ fetchJson, clock }: OidcDeps): (issuer: string) => Promise<Discovery> {
  const known = new Map<string, { readonly document: Discovery; readonly readAt: number }>();
  return async (issuer) => {
    const now = clock.now().getTime();
    const cached = known.get(issuer);
    // Either way: what is from a time to come is from a clock that was ahead.
    if (cached !== undefined && Math.abs(now - cached.readAt) < FRESH_MS) return cached.document;
    const address = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`;
    const document = discovery.parse(await fetchJson(address));
    if (document.issuer !== issuer) throw new FetchRefused(`${address} speaks for another issuer.`);
    if (known.size >= MOST_ISSUERS) known.clear();
    known.set(issuer, { document, readAt: now });
    return document;
  };
}

async function reached<T>({ log }: OidcDeps, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (error) {
    const isAway = error instanceof LicetError && error.kind === 'unavailable';
    if (!isAway && !isForeseen(error)) throw error;
    log.warn({ err: error }, 'an identity provider could not be asked');
    const message = 'The identity provider cannot be asked at the moment; try again later.';
    throw new LicetError('unavailable', 'PROVIDER_UNAVAILABLE', message, { retryAfterSeconds: 30, cause: error });
  }
}

const isForeseen = (error: unknown): boolean =>
  error instanceof FetchRefused || error instanceof IdTokenRefused || error instanceof z.ZodError;
