import { z } from 'zod';
import { assertWholeOrganization, found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { reference, text } from '../fields.ts';
import { newId } from '../model/id.ts';
import { inTransaction, reading, useCase } from '../use-case.ts';
import { enterpriseOf } from '../enrolment/create-token.ts';
import { type Incident, type RenewalWindow, renewalWindow } from './renewal-window.ts';

/** Moves the renewal of a set of licenses to now, spread over some hours. */
export const openIncident = useCase(
  z.strictObject({
    enterprise: reference('enterprise').optional(),
    issuerKey: text(128).optional().describe('Only licenses that this key has signed.'),
    explanation: text(512).describe('Why, for those who must act: an address or a sentence.'),
    hours: z.number().int().min(1).max(720).default(24).describe('Over how many hours the renewals are spread.'),
  }),
  (deps, actor, input) =>
    inTransaction(deps, actor, async ({ tx, at, note }) => {
      assertWholeOrganization(actor);
      if (input.enterprise !== undefined) {
        found('enterprise', await deps.stores.enterprises.get(tx, input.enterprise));
      }
      const incident: Incident = {
        id: newId(deps.clock, deps.random),
        organization: actor.organization,
        enterprise: input.enterprise,
        issuerKey: input.issuerKey,
        issuedBefore: at,
        explanation: input.explanation,
        beginsAt: at,
        endsAt: new Date(at.getTime() + input.hours * 3_600_000),
        createdBy: actor.id,
        createdAt: at,
      };
      await deps.stores.incidents.insert(tx, incident);
      note({ action: 'incident.opened', subject: `incident:${incident.id}`, details: { hours: input.hours } });
      return incident;
    }),
);

export const endIncident = useCase(z.strictObject({ id: reference('incident') }), (deps, actor, { id }) =>
  inTransaction(deps, actor, async ({ tx, at, note }) => {
    assertWholeOrganization(actor);
    if (!(await deps.stores.incidents.end(tx, id, at))) {
      throw new LicetError(
        'not-found',
        'INCIDENT_NOT_FOUND',
        'There is no such incident in force; look for its id in the list.',
      );
    }
    note({ action: 'incident.ended', subject: `incident:${id}` });
  }),
);

/** When to renew a license. Public knowledge to whoever has the license: it says nothing but times. */
export const suggestRenewal = useCase(
  z.strictObject({ serial: z.string().regex(/^[0-9a-f]{2,40}$/, 'must be a serial number in lower-case hexadecimal') }),
  (deps, actor, { serial }): Promise<RenewalWindow> =>
    reading(deps, actor, async (tx) => {
      const license = found('license', await deps.stores.licenses.get(tx, serial), actor, enterpriseOf);
      const site = found('site', await deps.stores.sites.get(tx, license.site));
      return renewalWindow(license, site, await deps.stores.incidents.inForce(tx, deps.clock.now()));
    }),
);
