import type { Request, Response } from 'express';
import { z } from 'zod';
import { type Action, ACTIONS } from '../../licensing/access/actions.ts';
import { reachOf } from '../../licensing/access/authorize.ts';
import { beginExternal, type ExternalDeps, finishExternal } from '../../licensing/access/external.ts';
import { acceptInvitation, changePassword } from '../../licensing/access/people.ts';
import { beginTotp, confirmTotp, removeTotp } from '../../licensing/access/second-factor.ts';
import { refreshSession, type SessionTokens, signOut } from '../../licensing/access/sessions.ts';
import { signIn, type SignInDeps } from '../../licensing/access/sign-in.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { parseInput } from '../input.ts';
import { addressOf, type OpenRoute, type ProtectedRoute } from './guards.ts';
import { authenticatedOf, principalOf } from './principal.ts';

export type SessionRouteDeps = SignInDeps & ExternalDeps & { readonly publicUrl: () => string };

const text = (most: number) => z.string().min(1).max(most);
/** Not shorter than what anybody has, not longer than what is hashed: the rules for a new one are told apart. */
const password = z.string().max(256);
const code = z.string().max(64);

const newSession = z.strictObject({ organization: text(40), email: text(254), password, code: code.optional() });
const refresh = z.strictObject({ refreshToken: text(128) });
const leaving = z.strictObject({ everywhere: z.boolean().default(false) });
const acceptance = z.strictObject({ invitation: text(128), password });
const newPassword = z.strictObject({ old: password, password });
const totpCode = z.strictObject({ code });
const returned = z.object({ state: text(128), code: text(4096), iss: text(2048).optional() });

const RETURN = '/api/v1/sessions/return';
/** `__Host-`: of this host alone, over TLS alone (a browser takes localhost for safe too). */
const COOKIE = '__Host-licet-sign-in';
const COOKIE_SECONDS = 600;

/** To come in, to stay, to leave, and what people do to their own account. */
export function sessionRoutes(deps: SessionRouteDeps): readonly (OpenRoute | ProtectedRoute)[] {
  return [...openRoutes(deps), ...providerRoutes(deps), ...ownRoutes(deps), ...factorRoutes(deps)];
}

function openRoutes(deps: SessionRouteDeps): readonly OpenRoute[] {
  const open = { method: 'POST', action: 'anyone', body: { kind: 'json', limit: 4096 } } as const;
  return [
    {
      ...open,
      path: '/api/v1/sessions',
      async handle(request, response) {
        const input = parseInput(newSession, request.body);
        response.status(201).json(tokensJson(await signIn(deps, { ...input, address: addressOf(request) })));
      },
    },
    {
      ...open,
      path: '/api/v1/sessions/refresh',
      async handle(request, response) {
        const { refreshToken } = parseInput(refresh, request.body);
        response.json(tokensJson(await refreshSession(deps, refreshToken)));
      },
    },
    {
      ...open,
      path: '/api/v1/invitations/accept',
      async handle(request, response) {
        const input = parseInput(acceptance, request.body);
        const person = await acceptInvitation(deps, input.invitation, input.password);
        response.json({ person: person.id, organization: person.organization, roles: person.roles });
      },
    },
  ];
}

function providerRoutes(deps: SessionRouteDeps): readonly OpenRoute[] {
  const redirectUri = (): string => `${deps.publicUrl()}${RETURN}`;
  return [
    {
      method: 'GET',
      path: '/api/v1/organizations/:organization/providers/:provider/sign-in',
      action: 'anyone',
      async handle(request, response) {
        const { organization = '', provider = '' } = request.params as Record<string, string>;
        const sent = await beginExternal(deps, { organization, provider, redirectUri: redirectUri() });
        setCookie(response, sent.browser, COOKIE_SECONDS);
        response.status(303).setHeader('Location', sent.url).end();
      },
    },
    {
      method: 'GET',
      path: RETURN,
      action: 'anyone',
      async handle(request, response) {
        const input = parseInput(returned, request.query);
        setCookie(response, '', 0);
        const answer = { ...input, browser: cookieOf(request), redirectUri: redirectUri() };
        response.json(tokensJson(await finishExternal(deps, answer)));
      },
    },
  ];
}

function ownRoutes(deps: SessionRouteDeps): readonly ProtectedRoute[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/self',
      action: 'self.read',
      handle(request, response) {
        const principal = principalOf(request);
        const { kind, id, organization, roles, enterprise, site } = principal;
        const may = (Object.keys(ACTIONS) as Action[]).filter((action) => reachOf(principal, action) !== 'none');
        response.json({ kind, id, organization, roles, enterprise, site, may });
      },
    },
    {
      method: 'POST',
      path: '/api/v1/self/sign-out',
      action: 'self.change',
      body: { kind: 'json', limit: 4096 },
      async handle(request, response) {
        const { everywhere } = parseInput(leaving, request.body);
        const { principal, session } = authenticatedOf(request);
        const which = everywhere || session === undefined ? 'everywhere' : { session };
        await inOwn(deps, request, (tx) => signOut(deps, tx, principal, which));
        response.status(204).end();
      },
    },
    {
      method: 'POST',
      path: '/api/v1/self/password',
      action: 'self.change',
      body: { kind: 'json', limit: 4096 },
      async handle(request, response) {
        const { principal, session } = authenticatedOf(request);
        await changePassword(deps, principal, session, parseInput(newPassword, request.body));
        response.status(204).end();
      },
    },
  ];
}

function factorRoutes(deps: SessionRouteDeps): readonly ProtectedRoute[] {
  const own = { method: 'POST', action: 'self.change' } as const;
  const withCode = { ...own, body: { kind: 'json', limit: 4096 } } as const;
  return [
    {
      ...own,
      path: '/api/v1/self/totp',
      async handle(request, response) {
        response.status(201).json(await inOwn(deps, request, (tx) => beginTotp(deps, tx, principalOf(request))));
      },
    },
    {
      ...withCode,
      path: '/api/v1/self/totp/confirm',
      async handle(request, response) {
        const { code } = parseInput(totpCode, request.body);
        const confirm = (tx: Transaction) => confirmTotp(deps, tx, principalOf(request), code);
        response.json({ recoveryCodes: await inOwn(deps, request, confirm) });
      },
    },
    {
      ...withCode,
      path: '/api/v1/self/totp/remove',
      async handle(request, response) {
        const { code } = parseInput(totpCode, request.body);
        await inOwn(deps, request, (tx) => removeTotp(deps, tx, principalOf(request), code));
        response.status(204).end();
      },
    },
  ];
}

const inOwn = <T>(deps: SessionRouteDeps, request: Request, work: (tx: Transaction) => Promise<T>): Promise<T> =>
  deps.transactions.run({ organization: principalOf(request).organization }, work);

const tokensJson = ({ accessToken, accessUntil, refreshToken, refreshUntil, session }: SessionTokens) => ({
  session,
  accessToken,
  accessUntil: accessUntil.toISOString(),
  refreshToken,
  refreshUntil: refreshUntil.toISOString(),
});

// Lax and not Strict: the provider's redirect comes from another site.
const setCookie = (response: Response, value: string, seconds: number): void =>
  void response.setHeader(
    'Set-Cookie',
    `${COOKIE}=${value}; Path=/; Max-Age=${seconds}; Secure; HttpOnly; SameSite=Lax`,
  );

function cookieOf(request: Request): string {
  const pairs = (request.headers.cookie ?? '').split(';').map((pair) => pair.trim());
  return pairs.find((pair) => pair.startsWith(`${COOKIE}=`))?.slice(COOKIE.length + 1) ?? '';
}
