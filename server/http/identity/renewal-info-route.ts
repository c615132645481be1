import { renewalInfo, type RenewalInfoDeps } from '../../licensing/identity/renewal-info.ts';
import type { Random } from '../../licensing/ports/random.ts';
import { spread } from '../est/refusal.ts';
import type { Route, Step } from '../routes.ts';

export type RenewalInfoRouteDeps = RenewalInfoDeps & { readonly random: Random; readonly guards: readonly Step[] };

/** RFC 9773 §4.2, with the explanation as text, since a site has no browser. */
export function renewalInfoRoutes(deps: RenewalInfoRouteDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/renewal-info/:name',
      guards: deps.guards,
      async handle(request, response) {
        const window = await renewalInfo(String(request.params['name']), deps);
        const { start, end, explanation, retryAfterSeconds } = window;
        // Never more than it should be, so that an incident is heard of in time.
        response.setHeader('Retry-After', Math.ceil(spread(retryAfterSeconds, deps.random) / 2));
        response.json({
          suggestedWindow: { start: start.toISOString(), end: end.toISOString() },
          ...(explanation !== undefined && { explanation }),
        });
      },
    },
  ];
}
