import { z } from 'zod';
import { assertWholeOrganization, found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { reference, text } from '../fields.ts';
import { newId } from '../model/id.ts';
import type { Principal } from '../model/principal.ts';
import { type Dependencies, inTransaction, parsed } from '../use-case.ts';
import type { DeclaredIncident, Incidents } from './ports.ts';

export const incidentInput = z.strictObject({
  enterprise: reference('enterprise').optional().describe('Only the licenses of this enterprise.'),
  issuerKey: z.string().min(1).max(128).optional().describe('Only the licenses that this key has issued.'),
  explanation: text(500).describe('For those who wonder why their site renews now.'),
  hours: z.number().min(0.1).max(720).describe('Within so many hours all of them are to be renewed.'),
});

/** Licenses that are there now are to be renewed, spread over the time that there is; their sites hear it when they ask. */
export function declareIncident(
  deps: Dependencies & { readonly incidents: Incidents },
  actor: Principal,
  raw: z.input<typeof incidentInput>,
): Promise<DeclaredIncident> {
  const { enterprise, issuerKey, explanation, hours } = parsed(incidentInput, raw);
  assertWholeOrganization(actor);
  if (enterprise === undefined && issuerKey === undefined) {
    throw new LicetError('invalid', 'INCIDENT_TOO_WIDE', 'Say which licenses: name an enterprise or an issuing key.');
  }
  return inTransaction(deps, actor, async (work) => {
    if (enterprise !== undefined) {
      found('enterprise', await deps.stores.enterprises.get(work.tx, enterprise), actor, ({ id }) => id);
    }
    const endsAt = new Date(work.at.getTime() + hours * 3_600_000);
    const span = { issuedBefore: work.at, beginsAt: work.at, endsAt };
    const id = newId(deps.clock, deps.random);
    const incident = { id, enterprise, issuerKey, explanation, ...span, createdBy: actor.id };
    await deps.incidents.add(work.tx, { ...incident, organization: actor.organization });
    const details = { ...(enterprise !== undefined && { enterprise }), ...(issuerKey !== undefined && { issuerKey }) };
    work.note({ action: 'renewal-incident.declared', subject: `renewal-incident:${incident.id}`, details });
    return { ...incident, liftedAt: undefined, liftedBy: undefined };
  });
}

/** It was declared by mistake, or is over sooner: what has not renewed because of it yet renews when it would have. */
export function liftIncident(
  deps: Dependencies & { readonly incidents: Incidents },
  actor: Principal,
  id: string,
): Promise<DeclaredIncident> {
  assertWholeOrganization(actor);
  return inTransaction(deps, actor, async (work) => {
    const incident = found('renewal incident', await deps.incidents.get(work.tx, id));
    if (!(await deps.incidents.lift(work.tx, incident.id, actor.id, work.at))) {
      throw new LicetError('conflict', 'INCIDENT_LIFTED', 'This incident was lifted before; there is nothing to do.');
    }
    work.note({ action: 'renewal-incident.lifted', subject: `renewal-incident:${incident.id}` });
    return { ...incident, liftedAt: work.at, liftedBy: actor.id };
  });
}
