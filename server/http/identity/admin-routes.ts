import type { Action } from '../../licensing/access/actions.ts';
import { declareIncident, incidentInput } from '../../licensing/identity/declare-incident.ts';
import type { Incidents } from '../../licensing/identity/ports.ts';
import {
  createTrustRule,
  listTrustRules,
  type RuleDeps,
  ruleStatusInput,
  switchTrustRule,
} from '../../licensing/identity/rules.ts';
import { type TrustRule, trustRuleInput } from '../../licensing/identity/trust-rule.ts';
import { principalOf } from '../access/principal.ts';
import { parseInput } from '../input.ts';
import type { Route, Step } from '../routes.ts';

export type IdentityAdminDeps = RuleDeps & {
  readonly incidents: Incidents;
  readonly guardsFor: (action: Action) => readonly Step[];
};

/** Whom to trust is a matter of the organization itself, so it takes who may change its settings. */
export function identityAdminRoutes(deps: IdentityAdminDeps): Route[] {
  return [
    {
      method: 'GET',
      path: '/api/v1/trust-rules',
      guards: deps.guardsFor('organization.read'),
      async handle(request, response) {
        const { after } = request.query;
        const page = await listTrustRules(deps, principalOf(request), typeof after === 'string' ? { after } : {});
        response.json({ items: page.items.map(toJson), ...(page.next !== undefined && { next: page.next }) });
      },
    },
    {
      method: 'POST',
      path: '/api/v1/trust-rules',
      guards: deps.guardsFor('organization.change'),
      body: { kind: 'json' },
      async handle(request, response) {
        const input = parseInput(trustRuleInput, request.body);
        response.status(201).json(toJson(await createTrustRule(deps, principalOf(request), input)));
      },
    },
    {
      method: 'PUT',
      path: '/api/v1/trust-rules/:id/status',
      guards: deps.guardsFor('organization.change'),
      body: { kind: 'json' },
      async handle(request, response) {
        const id = String(request.params['id']);
        const { status } = parseInput(ruleStatusInput.pick({ status: true }), request.body);
        response.json(toJson(await switchTrustRule(deps, principalOf(request), { id, status })));
      },
    },
    {
      method: 'POST',
      path: '/api/v1/renewal-incidents',
      guards: deps.guardsFor('license.revoke'),
      body: { kind: 'json' },
      async handle(request, response) {
        const input = parseInput(incidentInput, request.body);
        response.status(201).json(await declareIncident(deps, principalOf(request), input));
      },
    },
  ];
}

const toJson = (rule: TrustRule): object => rule;
