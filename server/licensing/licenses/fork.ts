import { z } from 'zod';
import { enterpriseOf } from '../enrolment/create-token.ts';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { reference, serial } from '../fields.ts';
import { raiseAlert, settleAlert } from '../alerts/raise-alert.ts';
import type { Principal } from '../model/principal.ts';
import type { RenewalCase } from '../ports/licenses.ts';
import { certificateOf } from '../sites/site-life.ts';
import { type Dependencies, inTransaction, useCase } from '../use-case.ts';

export const cloneKey = (lineage: string): string => `clone:${lineage}`;

/** Two machines have the same license: the lineage is forked, somebody is told, and once only. */
export function recordFork(deps: Dependencies, actor: Principal, fork: RenewalCase): Promise<void> {
  const { site, enterprise, lineage, license } = fork;
  return inTransaction(deps, actor, async (work) => {
    const known = found('lineage', await deps.stores.licenses.lockLineage(work.tx, lineage.id));
    const details = { site: site.id, enterprise: enterprise.id, lineage: lineage.id, predecessor: license.serial };
    if (known.status === 'live') {
      const forked = { status: 'forked', held: known.held, forkedFrom: license.serial } as const;
      await deps.stores.licenses.setLineage(work.tx, lineage.id, forked);
      work.note({ action: 'site.clone-suspected', subject: `site:${site.id}`, details });
    }
    await raiseAlert(deps, work, {
      organization: actor.organization,
      enterprise: enterprise.id,
      site: site.id,
      kind: 'clone-suspected',
      key: cloneKey(lineage.id),
      severity: 'critical',
      details,
    });
  });
}

/**
 * An operator has found out which machine is the site: the one with the license of this serial. Every other license of
 * the lineage is revoked, and this one can be renewed, whatever came of it before.
 */
export const resolveFork = useCase(
  z.strictObject({
    site: reference('site'),
    survivor: serial.describe('The serial of the license on the machine that counts.'),
  }),
  (deps, actor, input) =>
    inTransaction(deps, actor, async (work) => {
      const { licenses, sites } = deps.stores;
      const site = found('site', await sites.lock(work.tx, input.site), actor, enterpriseOf);
      const lineage = found('lineage', await licenses.lockLineage(work.tx, site.lineage));
      if (lineage.status !== 'forked') {
        throw new LicetError(
          'conflict',
          'NOT_FORKED',
          'No clone of this site is suspected; there is nothing to resolve.',
        );
      }
      const all = await licenses.notOver(work.tx, lineage.id, work.at);
      const survivor = found(
        'license',
        all.find(({ serial }) => serial === input.survivor),
      );
      if (survivor.status === 'revoked') {
        throw new LicetError(
          'conflict',
          'LICENSE_REVOKED',
          'This license is revoked; choose another or enrol the site anew.',
        );
      }
      const others = all.filter((one) => one !== survivor && one.status !== 'revoked');
      work.change({
        event: { type: 'revoke', reason: 'keyCompromise' },
        of: others.map(certificateOf),
        context: { site: site.id, lineage: lineage.id, enterprise: site.enterprise },
      });
      await licenses.goOnFrom(work.tx, survivor.serial);
      await licenses.setLineage(work.tx, lineage.id, { status: 'live', held: lineage.held, forkedFrom: undefined });
      await settleAlert(deps, work, cloneKey(lineage.id), actor.id);
      const details = { survivor: survivor.serial, revoked: others.map(({ serial }) => serial) };
      work.note({ action: 'site.fork-resolved', subject: `site:${site.id}`, details });
      return { survivor: survivor.serial, revoked: others.map(({ serial }) => serial) };
    }),
);
