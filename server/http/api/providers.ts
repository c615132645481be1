import { z } from 'zod';
import type { SignInProvider } from '../../licensing/access/model.ts';
import { addProvider, ID_TOKEN_ALGORITHMS, removeProvider } from '../../licensing/access/providers.ts';
import { type Endpoint, endpoint } from './endpoint.ts';
import { pageExample } from './examples.ts';
import { APPROVAL_REFUSALS, done, within } from './guarded.ts';
import { listed, pageOf, pageQuery } from './paging.ts';
import { idParams } from './wire.ts';

const algorithms = z.array(z.enum(ID_TOKEN_ALGORITHMS)).min(1).max(ID_TOKEN_ALGORITHMS.length);

const newProvider = z.strictObject({
  name: z.string().min(1).max(40).meta({ description: 'Stands in the address of its sign-in.', example: 'login' }),
  issuer: z
    .url({ protocol: /^https$/ })
    .max(2048)
    .meta({ description: 'One that `access.issuers` of the configuration allows.' }),
  clientId: z.string().min(1).max(255),
  clientSecret: z.string().min(1).max(1024).optional().meta({ description: 'Goes in and never comes out.' }),
  algorithms: algorithms.meta({ description: 'The signatures that its ID tokens may carry.' }),
  trustsEmail: z.boolean().meta({ description: 'Whether an invited person is known by an address that it verified.' }),
});

const providerView = z
  .strictObject({
    id: z.uuid(),
    name: z.string(),
    issuer: z.string(),
    clientId: z.string(),
    hasSecret: z.boolean(),
    algorithms,
    trustsEmail: z.boolean(),
  })
  .meta({ id: 'Provider' });

const providerJson = (it: SignInProvider): z.output<typeof providerView> => ({
  id: it.id,
  name: it.name,
  issuer: it.issuer,
  clientId: it.clientId,
  hasSecret: it.clientSecret !== undefined,
  algorithms: algorithms.parse(it.algorithms),
  trustsEmail: it.trustsEmail,
});

const shown = {
  name: 'login',
  issuer: 'https://login.example',
  clientId: 'licet',
  algorithms: ['ES256'],
  trustsEmail: true,
};
const example = { id: '019a9b5e-4c00-7d3a-8f21-5b6c7d8e9f11', hasSecret: true, ...shown };

export const providerEndpoints: readonly Endpoint[] = [
  endpoint({
    method: 'GET',
    path: '/api/v1/providers',
    operation: 'listProviders',
    tag: 'Access',
    summary: 'List the OpenID Connect providers that people may sign in by',
    action: 'provider.read',
    query: pageQuery,
    status: 200,
    answer: pageOf(providerView),
    example: { answer: pageExample(example) },
    run: ({ principal, query }, use) =>
      within(use, principal, (tx) => use.access.stores.providers.list(tx, listed(query))),
    reply: ({ items, next }) => ({
      body: { items: items.map(providerJson), ...(next !== undefined && { next }) },
      next,
    }),
  }),
  endpoint({
    method: 'POST',
    path: '/api/v1/providers',
    operation: 'addProvider',
    tag: 'Access',
    summary: 'Let people sign in by an OpenID Connect provider',
    action: 'provider.change',
    body: newProvider,
    bodyBytes: 16_384,
    status: 201,
    answer: providerView,
    example: { body: { ...shown, clientSecret: 'a secret of the provider' }, answer: example },
    refusals: { PROVIDER_INVALID: 400, PROVIDER_EXISTS: 409, ...APPROVAL_REFUSALS },
    run: async ({ principal, body }, use) =>
      done(await within(use, principal, (tx) => addProvider(use.access, tx, principal, body))),
    reply: (it) => ({ body: providerJson(it) }),
  }),
  endpoint({
    method: 'DELETE',
    path: '/api/v1/providers/:id',
    operation: 'removeProvider',
    tag: 'Access',
    summary: 'Remove a provider',
    description: 'Nobody comes in by it from then on; who is in stays until the session ends.',
    action: 'provider.change',
    params: idParams,
    status: 204,
    answer: z.undefined(),
    example: { answer: undefined },
    refusals: APPROVAL_REFUSALS,
    run: async ({ principal, params }, use) =>
      done(await within(use, principal, (tx) => removeProvider(use.access, tx, principal, params.id))),
    reply: () => ({ body: undefined }),
  }),
];
