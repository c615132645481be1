import { encodePem } from '@licet/format';
import { exchangeIdentity, exchangeInput, type IdentityDeps } from '../../licensing/identity/exchange.ts';
import { parseInput } from '../input.ts';
import type { Route, Step } from '../routes.ts';

export type IdentityRoutesDeps = IdentityDeps & { readonly guards: readonly Step[] };

/** The token of a build or of a workload in a cloud for a short license: `{ organization, token, csr }`. */
export function identityRoutes(deps: IdentityRoutesDeps): Route[] {
  return [
    {
      method: 'POST',
      path: '/api/v1/identities/exchange',
      guards: deps.guards,
      body: { kind: 'json', limit: 64 * 1024 },
      async handle(request, response) {
        const input = parseInput(exchangeInput, request.body);
        const { chain, notAfter, serial, site } = await exchangeIdentity(deps, input);
        response.status(201).json({
          serial,
          site,
          notAfter: notAfter.toISOString(),
          // As `site.lic`: the license, then the CAs above it; the root is known to who verifies.
          license: chain.map((der) => encodePem('CERTIFICATE', der)).join(''),
        });
      },
    },
  ];
}
