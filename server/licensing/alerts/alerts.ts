import { z } from 'zod';
import { found } from '../entities.ts';
import { reference, serial, text } from '../fields.ts';
import { type AlertStatus, assertStep } from '../model/alert.ts';
import type { Principal } from '../model/principal.ts';
import { type Dependencies, inTransaction, useCase } from '../use-case.ts';
import { alertFact, raiseAlert } from './raise-alert.ts';

const CODE = z.string().regex(/^[A-Z][A-Z_]{0,63}$/, 'must be a code of a verdict');

/** An application was shown a license that is invalid, or that it has doubts about. */
export const reportAlert = useCase(
  z.strictObject({
    kind: z.enum(['license-invalid', 'license-suspicious']).describe('What is wrong with it.'),
    serial: serial.describe('Its serial number, as far as the application could read it.'),
    codes: z
      .array(CODE)
      .min(1)
      .max(32)
      .describe('The codes of the verdict.')
      .meta({ example: ['BINDING_MISMATCH'] }),
    where: text(128).optional().describe('Which installation saw it; no personal data.'),
  }),
  (deps, actor, input) =>
    inTransaction(deps, actor, async (work) => {
      const license = await deps.stores.licenses.get(work.tx, input.serial);
      // A license of another enterprise is as unknown as one that never was.
      const isMine =
        license !== undefined && (actor.enterprise === undefined || actor.enterprise === license.enterprise);
      const enterprise = isMine ? license.enterprise : actor.enterprise;
      const { where = '' } = input;
      const raised = await raiseAlert(deps, work, {
        organization: actor.organization,
        enterprise,
        site: isMine ? license.site : undefined,
        kind: input.kind,
        // Of each enterprise for itself: nobody's report of a serial is counted as, or hides, what its owner says of it.
        key: `${input.kind}:${input.serial}:${enterprise ?? ''}`,
        severity: input.kind === 'license-invalid' ? 'warning' : 'info',
        details: { serial: input.serial, codes: input.codes, where, reporter: actor.id },
      });
      return raised.alert;
    }),
);

const target = z.strictObject({ id: reference('alert') });

/** Somebody is at it. */
export const acknowledgeAlert = useCase(target, (deps, actor, { id }) => step(deps, actor, id, 'acknowledged'));

/** The trouble is over; the next time it is another alert. */
export const resolveAlert = useCase(target, (deps, actor, { id }) => step(deps, actor, id, 'resolved'));

function step(deps: Dependencies, actor: Principal, id: string, status: Exclude<AlertStatus, 'open'>): Promise<void> {
  return inTransaction(deps, actor, async ({ tx, at, note }) => {
    const locked = await deps.stores.alerts.lock(tx, id);
    const alert = found('alert', locked, actor, ({ enterprise }) => enterprise ?? '');
    assertStep(alert.status, status);
    await deps.stores.alerts.setStatus(tx, alert.id, status, actor.id, at);
    note(alertFact(`alert.${status}`, alert));
  });
}
