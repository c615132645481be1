import { z } from 'zod';
import { assertWholeOrganization, found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { code, reference, serial, text } from '../fields.ts';
import { newId } from '../model/id.ts';
import type { Principal } from '../model/principal.ts';
import type { Product } from '../model/product.ts';
import type { Transaction } from '../ports/transactions.ts';
import { type Dependencies, inTransaction, parsed } from '../use-case.ts';
import type { DeclaredIncident, Incidents } from './ports.ts';

/** Beyond, they have something in common to say instead. */
const MOST_SERIALS = 1000;

export const incidentInput = z.strictObject({
  enterprise: reference('enterprise').optional().describe('Only the licenses of this enterprise.'),
  contract: reference('contract').optional().describe('Only the licenses under this contract.'),
  product: code.optional().describe('Only the licenses whose contract has this product, by its code.'),
  issuerKey: z.string().min(1).max(128).optional().describe('Only the licenses that this key has issued.'),
  serials: z.array(serial).min(1).max(MOST_SERIALS).optional().describe('Only these licenses.'),
  explanation: text(500).describe('For those who wonder why their site renews now.'),
  hours: z.number().min(0.1).max(720).describe('Within so many hours all of them are to be renewed.'),
});

/** Licenses that are there now are to be renewed, spread over the time that there is; their sites hear it when they ask. */
export function declareIncident(
  deps: Dependencies & { readonly incidents: Incidents },
  actor: Principal,
  raw: z.input<typeof incidentInput>,
): Promise<DeclaredIncident> {
  const { explanation, hours, enterprise, contract, product, issuerKey, serials } = parsed(incidentInput, raw);
  assertWholeOrganization(actor);
  if ([enterprise, contract, product, issuerKey, serials].every((one) => one === undefined)) {
    const message = 'Say which licenses: of an enterprise, a contract, a product or an issuing key, or their serials.';
    throw new LicetError('invalid', 'INCIDENT_TOO_WIDE', message);
  }
  return inTransaction(deps, actor, async (work) => {
    const endsAt = new Date(work.at.getTime() + hours * 3_600_000);
    const named = {
      ...(await placesOf(deps, actor, work.tx, { enterprise, contract })),
      product: product === undefined ? undefined : (await productOf(deps, work.tx, product)).code,
      issuerKey,
      serials,
    };
    const span = { issuedBefore: work.at, beginsAt: work.at, endsAt };
    const id = newId(deps.clock, deps.random);
    const incident = { id, ...named, explanation, ...span, createdBy: actor.id };
    await deps.incidents.add(work.tx, { ...incident, organization: actor.organization });
    const said = Object.entries(named).filter(([, one]) => one !== undefined);
    const subject = `renewal-incident:${incident.id}`;
    work.note({ action: 'renewal-incident.declared', subject, details: Object.fromEntries(said) });
    return { ...incident, liftedAt: undefined, liftedBy: undefined };
  });
}

/** Something that is not there, or is somebody else's, concerns no license: whoever names it means another. */
async function placesOf(
  { stores }: Dependencies,
  actor: Principal,
  tx: Transaction,
  { enterprise, contract }: { readonly enterprise: string | undefined; readonly contract: string | undefined },
): Promise<Pick<DeclaredIncident, 'enterprise' | 'contract'>> {
  if (enterprise !== undefined)
    found('enterprise', await stores.enterprises.get(tx, enterprise), actor, ({ id }) => id);
  if (contract !== undefined) {
    found('contract', await stores.contracts.get(tx, contract), actor, (it) => it.enterprise);
  }
  return { enterprise, contract };
}

async function productOf({ stores }: Dependencies, tx: Transaction, product: string): Promise<Product> {
  const { items } = await stores.products.list(tx, { where: { code: product }, limit: 1 });
  return found('product', items[0]);
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
