import type { z } from 'zod';
import type { Principal } from '../../licensing/model/principal.ts';
import type { renewLicense } from '../../licensing/licenses/renew.ts';
import type { PresentDeps } from '../../licensing/identity/present-license.ts';
import type { validateLicense } from '../../licensing/licenses/validate.ts';
import type { VerdictTokens } from '../../licensing/ports/verdict-tokens.ts';
import type { Dependencies } from '../../licensing/use-case.ts';
import type { Action } from '../../licensing/access/actions.ts';
import type { ExternalDeps } from '../../licensing/access/external.ts';
import type { ProviderDeps } from '../../licensing/access/providers.ts';
import type { SignInDeps } from '../../licensing/access/sign-in.ts';
import type { NoticeDeps } from '../../licensing/notices/ports.ts';
import type { IdentityTokens, IdentityStores, Incidents } from '../../licensing/identity/ports.ts';
import type { RenewalInfo } from '../../licensing/identity/renewal-info.ts';
import type { Method, Route } from '../routes.ts';

/** Chapters of the document. */
export const TAGS = {
  'License server': 'What applications, sites and back offices call.',
  Organization: 'The settings of the organization itself.',
  Catalog: 'Products with their features, limits and tiers, and plans as templates of contracts.',
  Customers: 'Enterprises and their contracts.',
  Sites: 'Sites, their licenses and their life.',
  Enrolment: 'How sites and builds come to their licenses, and hear when to renew them.',
  Access: 'API tokens and people.',
  'Signing in': 'To come in, to stay, to leave, and what people do to their own account.',
  Signals: 'Alerts, webhooks and the audit log.',
  About: 'The description of this interface.',
} as const;
export type Tag = keyof typeof TAGS;

type Shape = z.ZodObject;

export type Repeatable = 'in-transaction' | 'by-content';

/** `sign-in`: anyone may try, but nobody whose tries cannot be counted. */
export type Open = 'anyone' | 'sign-in';
export const isOpen = (action: Action | Open): action is Open => action === 'anyone' || action === 'sign-in';

export type AccessUse = SignInDeps &
  ExternalDeps &
  ProviderDeps & {
    /** How browsers reach this server; known once it listens. */
    readonly publicUrl: () => string;
    /** What is remembered of API tokens in this process. */
    readonly forgetTokens: () => void;
  };

export type IdentityUse = {
  readonly identities: IdentityStores;
  readonly tokens: IdentityTokens;
  readonly incidents: Incidents;
  /** One for the whole process: those who ask at a time share one look. */
  readonly renewalInfo: RenewalInfo;
  /** The root above the licenses of an organization, DER; undefined: it has no CA yet. */
  readonly rootOf: (organization: string) => Promise<Uint8Array | undefined>;
};

/** What use cases are made with. */
export type Use = {
  readonly licensing: Dependencies;
  readonly access: AccessUse;
  readonly identity: IdentityUse;
  readonly notices: NoticeDeps;
  /** One for the whole process, because renewals that arrive together are decided together. */
  readonly renew: ReturnType<typeof renewLicense>;
  /** One for the whole process: questions that arrive together share one look into the database. */
  readonly validate: ReturnType<typeof validateLicense>;
  /** One for all requests of the API, for the same reason. */
  readonly records: PresentDeps;
  readonly tokens: VerdictTokens;
};

/** From where a call comes, for the few that it matters to. */
export type Caller = {
  /** By way of the proxies that are trusted. */
  readonly address: string;
  /** Of a person who signed in. */
  readonly session: string | undefined;
  readonly cookie: (name: string) => string | undefined;
};

/** What a call is made of: nothing of HTTP, everything already checked. */
export type Call<Params, Query, Body> = {
  readonly principal: Principal;
  readonly params: Params;
  readonly query: Query;
  readonly body: Body;
  /** From If-Match; undefined when the caller said `*` or the endpoint does not ask. */
  readonly version: number | undefined;
  readonly caller: Caller;
};

export type Reply<Body> = {
  /** Undefined where the status says that there is none. */
  readonly body: Body;
  /** Becomes the ETag. */
  readonly version?: number;
  /** Of a page: where the next one begins; becomes the Link header. */
  readonly next?: string | undefined;
  /** Of a creation: the path of the new thing. */
  readonly location?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** What is sent piece by piece instead of `body`, as it comes. */
  readonly chunks?: AsyncIterable<string>;
};

/**
 * One call of the API, said once: the route that serves it and its place in the OpenAPI document are both made from this.
 * It translates between the wire and one use case, and decides nothing.
 */
export type Endpoint<
  Params extends Shape = Shape,
  Query extends Shape = Shape,
  Body = unknown,
  Result = unknown,
  Answer = unknown,
> = {
  readonly method: Method;
  /** Express template; `:id` becomes `{id}` in the document. */
  readonly path: string;
  /** Unique; what generated clients call their function. */
  readonly operation: string;
  readonly tag: Tag;
  readonly summary: string;
  readonly description?: string;
  /** The line of the authorization table; `anyone`: what it answers is no secret. */
  readonly action: Action | Open;
  readonly params?: Params;
  readonly query?: Query;
  readonly body?: z.ZodType<Body>;
  /** Where a body may be larger than the configuration allows elsewhere. */
  readonly bodyBytes?: number;
  /** Where the work is much by its nature: how long it may take, if that is longer than the configuration allows. */
  readonly answerMs?: number;
  readonly status: 200 | 201 | 204 | 303;
  /** Instead of JSON: what an answer in pieces is, the first of these unless the reply says another. */
  readonly media?: readonly string[];
  readonly answer: z.ZodType<Answer>;
  readonly example: {
    readonly params?: Readonly<Record<string, string>>;
    readonly body?: unknown;
    readonly answer: unknown;
  };
  /** Refusals of the use case, by code; those that follow from the shape of the call need not be said. */
  readonly refusals?: Readonly<Record<string, 400 | 401 | 403 | 404 | 409 | 412 | 429 | 503>>;
  /** The caller must say in If-Match which version it changes. */
  readonly changesVersion?: boolean;
  /** As those of the route that is made from it. */
  readonly isLight?: boolean;
  readonly endsAt?: NonNullable<Route['endsAt']>;
  /**
   * The caller may send it again under the same Idempotency-Key. `in-transaction`: the use case has one transaction, whose
   * result is its own, so the answer is kept in it and the effect is there exactly once, whatever crashes. `by-content`: the
   * use case knows a repetition by its content, and the key only saves it the work.
   */
  repeats?(body: Body): Repeatable;
  run(call: Call<z.output<Params>, z.output<Query>, Body>, use: Use): Promise<Result>;
  reply(result: Result, call: Call<z.output<Params>, z.output<Query>, Body>): Reply<Answer>;
};

/** Checks a declaration against its own schemas, and forgets them: the table of all endpoints is of one type. */
export const endpoint = <Params extends Shape, Query extends Shape, Body, Result, Answer>(
  declared: Endpoint<Params, Query, Body, Result, Answer>,
): Endpoint => declared;

export const hasBody = (status: Endpoint['status']): boolean => status === 200 || status === 201;
