import { z } from 'zod';
import { boundsOf } from '../../licensing/access/authorize.ts';
import type { ApiToken } from '../../licensing/access/model.ts';
import { createToken, type MadeToken, revokeToken } from '../../licensing/access/tokens.ts';
import { displayName, reference } from '../../licensing/fields.ts';
import { ROLES } from '../../licensing/model/principal.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { pageExample } from './examples.ts';
import { APPROVAL_REFUSALS, assertEnterprise, done, ending, within } from './guarded.ts';
import { listed, pageOf, pageQuery } from './paging.ts';
import { idParams, instant } from './wire.ts';

const roles = z.array(z.enum(ROLES)).max(ROLES.length);

const tokenView = z
  .strictObject({
    id: z.uuid(),
    name: z.string(),
    prefix: z.string().meta({ description: 'How the token begins, to tell one from another.' }),
    roles,
    enterprise: z.uuid().optional(),
    actions: z.array(z.string()).optional(),
    madeBy: z.string().meta({ description: 'Who answers for it: a person, or the first start of the server.' }),
    createdAt: instant,
    expiresAt: instant,
    revokedAt: instant.optional(),
    lastUsedAt: instant.optional().meta({ description: 'Written now and then, not with every use.' }),
  })
  .meta({ id: 'Token' });

const madeView = tokenView.extend({
  secret: z.string().meta({ description: 'The token itself. Shown this once.' }),
});

const tokenJson = (it: ApiToken): z.output<typeof tokenView> => ({
  id: it.id,
  name: it.name,
  prefix: it.prefix,
  roles: [...it.roles],
  ...(it.enterprise !== undefined && { enterprise: it.enterprise }),
  ...(it.actions && { actions: [...it.actions] }),
  madeBy: it.madeBy,
  createdAt: it.createdAt.toISOString(),
  expiresAt: it.expiresAt.toISOString(),
  ...(it.revokedAt && { revokedAt: it.revokedAt.toISOString() }),
  ...(it.lastUsedAt && { lastUsedAt: it.lastUsedAt.toISOString() }),
});

const newToken = z.strictObject({
  name: displayName.meta({ example: 'Back office' }),
  roles: roles.min(1).refine((list) => new Set(list).size === list.length, 'must name each role once'),
  enterprise: reference('enterprise').optional().describe('The only enterprise that it reaches.'),
  actions: z.array(z.string().max(64)).min(1).max(200).optional().describe('The only actions that it may do.'),
  days: z.int().min(1).max(366).describe('How long it lives.'),
});

const example = {
  id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f08',
  name: 'Back office',
  prefix: 'licet_api_6fJ0',
  roles: ['operator'],
  madeBy: 'person:019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f0b',
  createdAt: '2026-01-02T09:00:00.000Z',
  expiresAt: '2026-04-02T09:00:00.000Z',
};

export const tokenEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/tokens',
    operation: 'listTokens',
    tag: 'Access',
    summary: 'List API tokens, never their secrets',
    action: 'token.read',
    query: pageQuery.extend({ madeBy: z.string().min(1).max(255).optional() }),
    status: 200,
    answer: pageOf(tokenView),
    example: { answer: pageExample(example) },
    run({ principal, query: { madeBy, ...query } }, use) {
      const { enterprise } = boundsOf(principal, 'token.read');
      const where = { ...(enterprise !== undefined && { enterprise }), ...(madeBy !== undefined && { madeBy }) };
      const list = { ...listed(query), where };
      return within(use, principal, (tx) => use.access.stores.tokens.list(tx, list));
    },
    reply: ({ items, next }) => ({ body: { items: items.map(tokenJson), ...(next !== undefined && { next }) }, next }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/tokens',
    operation: 'createToken',
    tag: 'Access',
    summary: 'Create an API token',
    description:
      'It is never more than who makes it, and is refused once whoever made it has left or may do less. One that a token makes ends with that one at the latest, also when that is revoked. Owner and admin tokens need the right `person.empower` too.',
    action: 'token.create',
    body: newToken,
    status: 201,
    answer: madeView,
    example: {
      body: { name: 'Back office', roles: ['operator'], days: 90 },
      answer: { ...example, secret: 'licet_api_6fJ0…' },
    },
    refusals: { TOKEN_INVALID: 400, NOT_FOUND: 404, ENTERPRISE_NOT_FOUND: 404, ...APPROVAL_REFUSALS },
    // Not repeatable: the kept answer would be the secret itself, in the clear.
    async run({ principal, body }, use): Promise<MadeToken> {
      const guarded = await within(use, principal, async (tx) => {
        await assertEnterprise(use, principal, tx, body.enterprise);
        return createToken(use.access, tx, principal, body);
      });
      return done(guarded);
    },
    reply: ({ token, secret }) => ({ body: { ...tokenJson(token), secret }, location: `/api/v1/tokens/${token.id}` }),
  }),
  endpoint({
    method: 'DELETE',
    path: '/api/v1/tokens/:id',
    operation: 'revokeToken',
    tag: 'Access',
    summary: 'Revoke an API token',
    description: 'With all that it has made.',
    action: 'token.revoke',
    params: idParams,
    status: 200,
    answer: tokenView,
    example: { answer: { ...example, revokedAt: '2026-02-02T09:00:00.000Z' } },
    run: ({ principal, params }, use) =>
      ending(
        use,
        within(use, principal, (tx) => revokeToken(use.access, tx, principal, params.id)),
      ),
    reply: (it) => ({ body: tokenJson(it) }),
  }),
];
