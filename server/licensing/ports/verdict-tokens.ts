/** A public key as RFC 7517 writes it. */
export type PublicJwk = Readonly<Record<string, string>>;

/** Signed statements of what a verdict was, for applications that keep it until they ask again. */
export interface VerdictTokens {
  /** A compact JWS (RFC 7515), signed by the key of the organization that exists for this alone. */
  sign(organization: string, claims: Readonly<Record<string, unknown>>): Promise<string>;
  /** What tokens are verified by: the present keys and those whose tokens may still be kept somewhere. */
  keys(): Promise<readonly PublicJwk[]>;
}
