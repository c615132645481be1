import { z } from 'zod';
import { boundsOf } from '../../licensing/access/authorize.ts';
import type { SignInProvider } from '../../licensing/access/model.ts';
import {
  addProvider,
  ID_TOKEN_ALGORITHMS,
  type ProviderDeps,
  removeProvider,
} from '../../licensing/access/providers.ts';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import { done } from '../api/guarded.ts';
import { parseInput } from '../input.ts';
import type { ProtectedRoute } from './guards.ts';
import { principalOf } from './principal.ts';

const newProvider = z.strictObject({
  name: z.string().min(1).max(40),
  issuer: z.url({ protocol: /^https$/ }).max(2048),
  clientId: z.string().min(1).max(255),
  clientSecret: z.string().min(1).max(1024).optional(),
  algorithms: z.array(z.enum(ID_TOKEN_ALGORITHMS)).min(1).max(ID_TOKEN_ALGORITHMS.length),
  trustsEmail: z.boolean(),
});

/** An organization has a handful: one page holds them. */
const MOST_PROVIDERS = 100;

/** The OpenID Connect providers of an organization. Their secrets go in and never come out. */
export function providerRoutes(deps: ProviderDeps): readonly ProtectedRoute[] {
  const within = <T>(organization: string, work: (tx: Transaction) => Promise<T>): Promise<T> =>
    deps.transactions.run({ organization }, work);
  return [
    {
      method: 'GET',
      path: '/api/v1/providers',
      action: 'provider.read',
      async handle(request, response) {
        const principal = principalOf(request);
        boundsOf(principal, 'provider.read');
        const list = (tx: Transaction) => deps.stores.providers.list(tx, { limit: MOST_PROVIDERS });
        const { items } = await within(principal.organization, list);
        response.json({ items: items.map(providerJson) });
      },
    },
    {
      method: 'POST',
      path: '/api/v1/providers',
      action: 'provider.change',
      body: { kind: 'json', limit: 16_384 },
      async handle(request, response) {
        const principal = principalOf(request);
        const input = parseInput(newProvider, request.body);
        const add = (tx: Transaction) => addProvider(deps, tx, principal, input);
        response.status(201).json(providerJson(done(await within(principal.organization, add))));
      },
    },
    {
      method: 'DELETE',
      path: '/api/v1/providers/:id',
      action: 'provider.change',
      async handle(request, response) {
        const principal = principalOf(request);
        const { id = '' } = request.params as Record<string, string>;
        done(await within(principal.organization, (tx) => removeProvider(deps, tx, principal, id)));
        response.status(204).end();
      },
    },
  ];
}

const providerJson = ({ id, name, issuer, clientId, clientSecret, algorithms, trustsEmail }: SignInProvider) => ({
  id,
  name,
  issuer,
  clientId,
  hasSecret: clientSecret !== undefined,
  algorithms,
  trustsEmail,
});
