import { type FinalReason, REVOCATION_REASONS, type RevocationEvent, type RevocationState } from '@licet/authority';
import { fromHex } from '@licet/format';
import { z } from 'zod';
import { enterpriseOf } from '../enrolment/create-token.ts';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { serial as anySerial } from '../fields.ts';
import type { License } from '../model/license.ts';
import type { Principal } from '../model/principal.ts';
import { type Dependencies, parsed, reading } from '../use-case.ts';

/** A license with what CRL and OCSP say of it. */
export type ChangedLicense = { readonly license: License; readonly state: RevocationState };

export const serial = anySerial.describe('Of the license.');

export const reason = z
  .enum(REVOCATION_REASONS)
  .describe('Why, RFC 5280 5.3.1; CRL and OCSP say it to everybody.')
  .meta({ example: 'keyCompromise' });

/** For good. Journaled, stored and audited when it resolves; OCSP says so at once and the CRL within seconds. */
export const revokeLicense = statusChange(z.strictObject({ serial, reason }), ({ reason: why }) => revocation(why));

/** Until it is reinstated: verifiers see it as suspended, and it is not renewed. */
export const suspendLicense = statusChange(z.strictObject({ serial }), () => ({ type: 'hold' }));

export const reinstateLicense = statusChange(z.strictObject({ serial }), () => ({ type: 'reinstate' }));

export const revocation = (why: FinalReason): RevocationEvent => ({ type: 'revoke', reason: why });

function statusChange<Schema extends z.ZodType<{ serial: string }>>(
  input: Schema,
  eventOf: (input: z.output<Schema>) => RevocationEvent,
) {
  const change =
    (deps: Dependencies) =>
    async (actor: Principal, raw: z.input<Schema>): Promise<ChangedLicense> => {
      const asked = parsed(input, raw);
      const event = eventOf(asked);
      const license = await visible(deps, actor, asked.serial);
      if (event.type === 'reinstate') await assertSiteAlive(deps, actor, license);
      const { organization, id: principal } = actor;
      const { site, lineage, enterprise } = license;
      const order = { organization, event, principal, context: { site, lineage, enterprise } };
      const certificate = { issuer: license.issuerKey, serial: fromHex(license.serial) };
      const state = await deps.revocations.change(order, certificate);
      return { license: await visible(deps, actor, license.serial), state };
    };
  return Object.assign(change, { input });
}

/** A hold of the site is undone with the site: otherwise one of its licenses would be good while the site is not. */
async function assertSiteAlive(deps: Dependencies, actor: Principal, { lineage: id }: License): Promise<void> {
  const lineage = await reading(deps, actor, (tx) => deps.stores.licenses.lineage(tx, id));
  if (lineage?.held !== true) return;
  throw new LicetError('conflict', 'SITE_SUSPENDED', 'The site itself is suspended; reinstate the site.');
}

function visible(deps: Dependencies, actor: Principal, id: string): Promise<License> {
  return reading(deps, actor, async (tx) =>
    found('license', await deps.stores.licenses.get(tx, id), actor, enterpriseOf),
  );
}
