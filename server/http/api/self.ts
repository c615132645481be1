import { z } from 'zod';
import { type Action, ACTIONS } from '../../licensing/access/actions.ts';
import { reachOf } from '../../licensing/access/authorize.ts';
import { changePassword } from '../../licensing/access/people.ts';
import { beginTotp, confirmTotp, removeTotp } from '../../licensing/access/second-factor.ts';
import { signOut } from '../../licensing/access/sessions.ts';
import { type Principal, ROLES } from '../../licensing/model/principal.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { within } from './guarded.ts';
import { code, password } from './sessions.ts';

const SMALL = 4096;

const selfView = z
  .strictObject({
    kind: z.enum(['person', 'token', 'site', 'system']),
    id: z.string().meta({ description: 'The name under which the audit log speaks of whoever asks.' }),
    organization: z.string(),
    roles: z.array(z.enum(ROLES)),
    enterprise: z.uuid().optional(),
    site: z.uuid().optional(),
    may: z.array(z.string()).meta({ description: 'The rights that one has, everywhere or where one belongs.' }),
  })
  .meta({ id: 'Self' });

function selfJson(principal: Principal): z.output<typeof selfView> {
  const { kind, id, organization, roles, enterprise, site } = principal;
  return {
    kind,
    id,
    organization,
    roles: [...roles],
    ...(enterprise !== undefined && { enterprise }),
    ...(site !== undefined && { site }),
    may: (Object.keys(ACTIONS) as Action[]).filter((action) => reachOf(principal, action) !== 'none'),
  };
}

const NO_PERSON = { PERSON_ONLY: 403, NOT_FOUND: 404 } as const;

/** Of what begins with a secret of the person: tries are counted, as those to sign in are. */
const TRIED = { SIGN_IN_THROTTLED: 429, SIGN_IN_UNAVAILABLE: 503 } as const;

const done = { status: 204, answer: z.undefined() } as const;
const nothing = (): { readonly body: undefined } => ({ body: undefined });

export const selfEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/self',
    operation: 'readSelf',
    tag: 'Signing in',
    summary: 'Who one is, and what one may do',
    action: 'self.read',
    status: 200,
    answer: selfView,
    example: {
      answer: {
        kind: 'person',
        id: 'person:019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f0b',
        organization: 'acme',
        roles: ['operator'],
        may: ['site.read', 'site.create'],
      },
    },
    run: ({ principal }) => Promise.resolve(principal),
    reply: (principal) => ({ body: selfJson(principal) }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/self/sign-out',
    operation: 'signOut',
    tag: 'Signing in',
    summary: 'Sign out here, or everywhere',
    action: 'self.change',
    body: z.strictObject({ everywhere: z.boolean().default(false) }),
    bodyBytes: SMALL,
    ...done,
    example: { body: { everywhere: true }, answer: undefined },
    refusals: NO_PERSON,
    run: ({ principal, body: { everywhere }, caller: { session } }, use) =>
      within(use, principal, (tx) =>
        signOut(use.access, tx, principal, everywhere || session === undefined ? 'everywhere' : { session }),
      ),
    reply: nothing,
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/self/password',
    operation: 'changePassword',
    tag: 'Signing in',
    summary: 'Change the own password',
    description: 'Ends every other session of the person.',
    action: 'self.change',
    body: z.strictObject({ old: password, password }),
    bodyBytes: SMALL,
    ...done,
    example: { body: { old: 'seven llamas sing at dawn', password: 'eight llamas hum at noon' }, answer: undefined },
    refusals: {
      ...NO_PERSON,
      ...TRIED,
      PASSWORD_WRONG: 400,
      PASSWORD_WEAK: 400,
      VERSION_STALE: 412,
      SIGN_IN_BUSY: 503,
    },
    run: ({ principal, body, caller: { session } }, { access }) => changePassword(access, principal, session, body),
    reply: nothing,
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/self/totp',
    operation: 'beginSecondFactor',
    tag: 'Signing in',
    summary: 'Set up a second factor (TOTP)',
    description: 'It counts once a first code was confirmed.',
    action: 'self.change',
    status: 201,
    answer: z.strictObject({ secret: z.string(), uri: z.string().meta({ description: 'For a QR code.' }) }),
    example: { answer: { secret: 'JBSWY3DPEHPK3PXP', uri: 'otpauth://totp/Licet:ada?secret=JBSWY3DPEHPK3PXP' } },
    refusals: { ...NO_PERSON, TOTP_EXISTS: 409 },
    run: ({ principal }, use) => within(use, principal, (tx) => beginTotp(use.access, tx, principal)),
    reply: (body) => ({ body }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/self/totp/confirm',
    operation: 'confirmSecondFactor',
    tag: 'Signing in',
    summary: 'Confirm a second factor by its first code',
    description: 'Answers recovery codes, each good once: shown now and never again.',
    action: 'self.change',
    body: z.strictObject({ code }),
    bodyBytes: SMALL,
    status: 200,
    answer: z.strictObject({ recoveryCodes: z.array(z.string()) }),
    example: { body: { code: '123456' }, answer: { recoveryCodes: ['MFRGGZDFMZTWQ2LK'] } },
    refusals: { ...NO_PERSON, ...TRIED, CODE_WRONG: 400 },
    run: ({ principal, body }, { access }) => confirmTotp(access, principal, body.code),
    reply: (recoveryCodes) => ({ body: { recoveryCodes: [...recoveryCodes] } }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/self/totp/remove',
    operation: 'removeSecondFactor',
    tag: 'Signing in',
    summary: 'Remove the second factor, by a code of it',
    action: 'self.change',
    body: z.strictObject({ code }),
    bodyBytes: SMALL,
    ...done,
    example: { body: { code: '123456' }, answer: undefined },
    refusals: { ...NO_PERSON, ...TRIED, CODE_WRONG: 400 },
    run: ({ principal, body }, { access }) => removeTotp(access, principal, body.code),
    reply: nothing,
  }),
];
