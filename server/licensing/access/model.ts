import type { Entity } from '../model/entity.ts';
import type { Principal, Role } from '../model/principal.ts';
import type { DangerousAction } from './actions.ts';

/**
 * Somebody with an account. The only place where a name or an address stands; everything else, the audit log above all,
 * says `person:<id>`. An erased person keeps its id and nothing else.
 */
export type Person = Entity & {
  /** Lower case. */
  readonly email: string | undefined;
  readonly name: string | undefined;
  readonly status: 'invited' | 'active' | 'disabled' | 'erased';
  readonly roles: readonly Role[];
  /** For `enterprise-admin`. */
  readonly enterprise: string | undefined;
  /** PHC string of argon2id. */
  readonly password: string | undefined;
  readonly totp: Totp | undefined;
  /** Digests of the codes that are left. */
  readonly recoveryCodes: readonly string[];
  /** Digest of the secret by which a password can be set. */
  readonly invitation: string | undefined;
  readonly invitedUntil: Date | undefined;
  /** Who this is to an OpenID Connect provider. */
  readonly issuer: string | undefined;
  readonly subject: string | undefined;
};

export type Totp = {
  /** Sealed. */
  readonly secret: string;
  /** Counts once a first code has shown that the person has it. */
  readonly isConfirmed: boolean;
  /** The newest time step of which a code was used: no code is taken twice, RFC 6238 §5.2. */
  readonly lastStep: number;
};

export type ApiToken = Entity & {
  readonly name: string;
  /** The first characters, to tell one token from another. */
  readonly prefix: string;
  readonly hash: string;
  readonly roles: readonly Role[];
  readonly enterprise: string | undefined;
  readonly actions: readonly string[] | undefined;
  readonly madeBy: string;
  /** The token that made it, and that it ends with. */
  readonly parent: string | undefined;
  readonly expiresAt: Date;
  readonly revokedAt: Date | undefined;
  /** Written now and then, not with every use. */
  readonly lastUsedAt: Date | undefined;
};

/** One sign-in, and all the tokens that came of it. */
export type Session = Entity & {
  readonly person: string;
  readonly accessHash: string;
  readonly accessUntil: Date;
  readonly refreshHash: string;
  readonly refreshUntil: Date;
  /** Of the refresh token before, which may be repeated until then. */
  readonly formerHash: string | undefined;
  readonly formerUntil: Date | undefined;
  /** However often it is refreshed: then sign in anew. */
  readonly endsAt: Date;
  readonly revokedAt: Date | undefined;
};

/** An OpenID Connect provider that people of the organization may sign in by. */
export type SignInProvider = Entity & {
  readonly name: string;
  readonly issuer: string;
  readonly clientId: string;
  /** Sealed. */
  readonly clientSecret: string | undefined;
  /** The signatures that its ID tokens may carry: never chosen by the token. */
  readonly algorithms: readonly string[];
  /** Whether an address that the provider calls verified is enough to know an invited person by. */
  readonly trustsEmail: boolean;
};

/** Somebody who was sent to a provider and is to come back. */
export type PendingSignIn = {
  readonly organization: string;
  /** Digest: what comes back in the URL. */
  readonly state: string;
  readonly provider: string;
  /** Digest of the cookie: who comes back is who was sent. */
  readonly browser: string;
  readonly nonce: string;
  /** PKCE, RFC 7636. */
  readonly verifier: string;
  readonly expiresAt: Date;
};

export type Approval = Entity & {
  readonly action: DangerousAction;
  readonly subject: string;
  /** What exactly is to be done, for the second person to read. */
  readonly payload: unknown;
  /** Of action, subject and payload: what was approved is what is done. */
  readonly digest: string;
  readonly requestedBy: string;
  readonly responsible: string;
  readonly status: 'waiting' | 'approved' | 'declined' | 'used' | 'expired';
  readonly decidedBy: string | undefined;
  readonly expiresAt: Date;
};

export const personPrincipal = (person: Person): Principal => ({
  kind: 'person',
  id: `person:${person.id}`,
  organization: person.organization,
  roles: person.roles,
  enterprise: person.enterprise,
  site: undefined,
});

export const tokenPrincipal = (token: ApiToken): Principal => ({
  kind: 'token',
  id: `token:${token.id}`,
  organization: token.organization,
  roles: token.roles,
  enterprise: token.enterprise,
  site: undefined,
  responsible: token.madeBy,
  ...(token.actions && { actions: token.actions }),
});

/** Who answers for what a principal does. */
export const responsibleFor = (principal: Principal): string => principal.responsible ?? principal.id;
