/** Who somebody is to a provider, from an ID token that was verified. */
export type ExternalIdentity = {
  readonly subject: string;
  readonly email: string | undefined;
  readonly isEmailVerified: boolean;
};

export type ProviderClient = {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret: string | undefined;
  readonly algorithms: readonly string[];
};

/** The authorization code flow with PKCE, OpenID Connect Core §3.1 and RFC 7636. */
export interface IdentityProviders {
  /** Where to send the browser. Rejects as unavailable (PROVIDER_UNAVAILABLE) when the provider cannot be asked. */
  authorizationUrl(
    client: ProviderClient,
    request: { redirectUri: string; state: string; nonce: string; challenge: string },
  ): Promise<string>;
  /** Rejects as unauthenticated (PROVIDER_REFUSED) when code or ID token are not good, whatever is wrong with them. */
  redeem(
    client: ProviderClient,
    answer: { code: string; redirectUri: string; verifier: string; nonce: string },
  ): Promise<ExternalIdentity>;
}
