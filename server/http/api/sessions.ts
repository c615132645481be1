import { z } from 'zod';
import { beginExternal, finishExternal } from '../../licensing/access/external.ts';
import { acceptInvitation } from '../../licensing/access/people.ts';
import { refreshSession, type SessionTokens } from '../../licensing/access/sessions.ts';
import { signIn } from '../../licensing/access/sign-in.ts';
import { ROLES } from '../../licensing/model/principal.ts';
import { type Endpoint, endpoint, type Reply } from './endpoint.ts';
import { instant } from './wire.ts';

const SMALL = 4096;
const text = (most: number) => z.string().min(1).max(most);
/** Not shorter than what anybody has, not longer than what is hashed: the rules for a new one are told apart. */
export const password = z.string().max(256);
export const code = z.string().max(64);

const sessionView = z
  .strictObject({
    session: z.uuid(),
    accessToken: z.string().meta({ description: 'A bearer token, for minutes.' }),
    accessUntil: instant,
    refreshToken: z.string().meta({ description: 'Good for one use: it gives the next two tokens.' }),
    refreshUntil: instant,
  })
  .meta({ id: 'Session' });

const example = {
  session: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f10',
  accessToken: 'licet_session_6fJ0',
  accessUntil: '2026-01-02T09:10:00.000Z',
  refreshToken: 'licet_refresh_6fJ0',
  refreshUntil: '2026-01-03T09:00:00.000Z',
};

const reply = ({ accessUntil, refreshUntil, ...rest }: SessionTokens): Reply<z.output<typeof sessionView>> => ({
  body: { ...rest, accessUntil: accessUntil.toISOString(), refreshUntil: refreshUntil.toISOString() },
});

const RETURN = '/api/v1/sessions/return';
/** `__Host-`: of this host alone, over TLS alone (a browser takes localhost for safe too). */
const COOKIE = '__Host-licet-sign-in';
const COOKIE_SECONDS = 600;

// Lax and not Strict: the provider's redirect comes from another site.
const setCookie = (value: string, seconds: number): Readonly<Record<string, string>> => ({
  'Set-Cookie': `${COOKIE}=${value}; Path=/; Max-Age=${seconds}; Secure; HttpOnly; SameSite=Lax`,
});

/** Passwords take memory to check, on purpose. */
const BUSY = { SIGN_IN_BUSY: 503 } as const;

export const sessionEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'POST',
    path: '/api/v1/sessions',
    operation: 'signIn',
    tag: 'Signing in',
    summary: 'Sign in with a password, and a code where there is a second factor',
    description: 'An unknown account and a wrong password get the same answer, after the same work.',
    action: 'sign-in',
    body: z.strictObject({ organization: text(40), email: text(254), password, code: code.optional() }),
    bodyBytes: SMALL,
    status: 201,
    answer: sessionView,
    example: {
      body: { organization: 'acme', email: 'ada@example.com', password: 'seven llamas sing at dawn', code: '123456' },
      answer: example,
    },
    refusals: { SIGN_IN_REFUSED: 401, CODE_REQUIRED: 401, SIGN_IN_THROTTLED: 429, SIGN_IN_UNAVAILABLE: 503, ...BUSY },
    run: ({ body, caller: { address } }, { access }) => signIn(access, { ...body, address }),
    reply,
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/sessions/refresh',
    operation: 'refreshSession',
    tag: 'Signing in',
    summary: 'Stay signed in: the next two tokens for a refresh token',
    description:
      'Where the answer is lost, the same again within a minute gives other tokens, and the lost ones are spent. Otherwise a refresh token that comes a second time was copied: then the whole session ends.',
    action: 'sign-in',
    body: z.strictObject({ refreshToken: text(128) }),
    bodyBytes: SMALL,
    status: 200,
    answer: sessionView,
    example: { body: { refreshToken: example.refreshToken }, answer: example },
    refusals: { REFRESH_REFUSED: 401 },
    run: ({ body: { refreshToken } }, { access }) => refreshSession(access, refreshToken),
    reply,
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/invitations/accept',
    operation: 'acceptInvitation',
    tag: 'Signing in',
    summary: 'Set the first password, by an invitation',
    action: 'sign-in',
    body: z.strictObject({ invitation: text(128), password }),
    bodyBytes: SMALL,
    status: 200,
    answer: z.strictObject({ person: z.uuid(), organization: z.string(), roles: z.array(z.enum(ROLES)) }),
    example: {
      body: { invitation: 'licet_invite_6fJ0', password: 'seven llamas sing at dawn' },
      answer: { person: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f0b', organization: 'acme', roles: ['operator'] },
    },
    refusals: { INVITATION_REFUSED: 401, PASSWORD_WEAK: 400, ...BUSY },
    run: ({ body: { invitation, password: wanted } }, { access }) => acceptInvitation(access, invitation, wanted),
    reply: ({ id, organization, roles }) => ({ body: { person: id, organization, roles: [...roles] } }),
  }),
  endpoint({
    method: 'GET',
    path: '/api/v1/organizations/:organization/providers/:provider/sign-in',
    operation: 'beginProviderSignIn',
    tag: 'Signing in',
    summary: 'Sign in by an OpenID Connect provider: sends the browser there',
    action: 'sign-in',
    params: z.strictObject({ organization: text(64), provider: text(64) }),
    status: 303,
    answer: z.undefined(),
    example: { params: { organization: 'acme', provider: 'login' }, answer: undefined },
    refusals: { PROVIDER_NOT_FOUND: 404, PROVIDER_UNAVAILABLE: 503 },
    run: ({ params }, { access }) => beginExternal(access, { ...params, redirectUri: redirectUri(access) }),
    reply: ({ url, browser }) => ({ body: undefined, location: url, headers: setCookie(browser, COOKIE_SECONDS) }),
  }),
  endpoint({
    method: 'GET',
    path: RETURN,
    operation: 'finishProviderSignIn',
    tag: 'Signing in',
    summary: 'Where the provider sends the browser back to',
    description: 'Only the browser that was sent away may come back: it brings a cookie.',
    action: 'sign-in',
    // What else a provider adds (`session_state`, `scope`) is its own business.
    query: z.looseObject({ state: text(128), code: text(4096), iss: text(2048).optional() }),
    status: 200,
    answer: sessionView,
    example: { answer: example },
    refusals: { SIGN_IN_REFUSED: 401, PROVIDER_REFUSED: 401, PROVIDER_UNAVAILABLE: 503 },
    run: ({ query: { state, code: given, iss }, caller }, { access }) =>
      finishExternal(access, {
        state,
        code: given,
        iss,
        browser: caller.cookie(COOKIE) ?? '',
        redirectUri: redirectUri(access),
      }),
    reply: (tokens) => ({ ...reply(tokens), headers: setCookie('', 0) }),
  }),
];

const redirectUri = ({ publicUrl }: { readonly publicUrl: () => string }): string => `${publicUrl()}${RETURN}`;
