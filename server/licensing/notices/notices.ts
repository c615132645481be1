import { alertFact, raiseAlert } from '../alerts/raise-alert.ts';
import type { Dependencies, Fact, Work } from '../use-case.ts';

/** Of the life of a license. It is renewed between one half and two thirds, so whoever gets to the first is late. */
export const EXPIRY_FRACTIONS = [0.75, 0.875, 0.95, 1] as const;
export const ENDING_DAYS = [90, 60, 30, 14, 7, 1] as const;
const BATCH = 200;
const ACTOR = 'job:notices';

type Told = Fact & { readonly organization: string };

/**
 * Finds what has become true since, marks it as told and tells it, in one transaction: once, whichever process does it.
 * Called by a job until it returns less than a whole batch.
 */
function inBatch(
  deps: Dependencies,
  find: (work: Pick<Work, 'tx' | 'at'>, note: (told: Told) => void) => Promise<number>,
): Promise<number> {
  const { transactions, clock, outbox, auditLog } = deps;
  return transactions.run('platform', async (tx) => {
    const at = clock.now();
    const facts: Told[] = [];
    const count = await find({ tx, at }, (told) => facts.push(told));
    await outbox.publish(
      tx,
      facts.map(({ organization, action, subject, details = {} }) => ({
        organization,
        stream: subject,
        type: action,
        payload: { ...details, subject, actor: ACTOR },
        at,
      })),
    );
    await auditLog.append(
      tx,
      facts.map(({ organization, action, subject, details = {} }) => ({
        organization,
        at,
        actor: ACTOR,
        action,
        subject,
        details,
      })),
    );
    return count;
  });
}

/**
 * A license that was made for a day or less is a build's, which takes a new one each time: its end is as planned, and
 * nobody is told of it.
 */
const BUILD_MS = 24 * 60 * 60 * 1000;

/** `license.expiring` at fractions of its life, and `license.expired`. Returns how many; a whole batch: call again. */
export const tellExpiring = (deps: Dependencies): Promise<number> =>
  inBatch(deps, async ({ tx, at }, note) => {
    const found = await deps.stores.notices.expiring(tx, EXPIRY_FRACTIONS, at, BATCH);
    for (const { organization, lineage, serial, site, enterprise, notBefore, notAfter, stage } of found) {
      if (notAfter.getTime() - notBefore.getTime() <= BUILD_MS) continue;
      const isOver = stage === EXPIRY_FRACTIONS.length;
      const details = { serial, site, enterprise, notAfter: notAfter.toISOString() };
      const life = EXPIRY_FRACTIONS[stage - 1];
      const told = isOver ? details : { ...details, life };
      note({
        organization,
        action: isOver ? 'license.expired' : 'license.expiring',
        subject: `lineage:${lineage}`,
        details: told,
      });
      if (!isOver) continue;
      const alert = { kind: 'license-expired', severity: 'critical', key: `expired:${serial}`, details } as const;
      const work = { tx, at, note: (fact: Fact) => note({ ...fact, organization }) };
      await raiseAlert(deps, work, { organization, enterprise, site, ...alert });
    }
    return found.length;
  });

/** `contract.ending`, 90, 60, 30, 14, 7 days and one day before. Nobody is told of yesterday's threshold. */
export const tellEndingContracts = (deps: Dependencies): Promise<number> =>
  inBatch(deps, async ({ tx, at }, note) => {
    const found = await deps.stores.notices.ending(tx, ENDING_DAYS, at, BATCH);
    for (const { organization, contract, enterprise, endsAt, days } of found) {
      const details = { enterprise, days, endsAt: endsAt.toISOString() };
      note({ organization, action: 'contract.ending', subject: `contract:${contract}`, details });
    }
    return found.length;
  });

/** `site.report-overdue` and an alert, once for each report that did not come. */
export const tellOverdueReports = (deps: Dependencies): Promise<number> =>
  inBatch(deps, async ({ tx, at }, note) => {
    const found = await deps.stores.notices.overdue(tx, at, BATCH);
    for (const { organization, site, enterprise, lastReport, key } of found) {
      const details = { site, enterprise, lastReport: lastReport?.toISOString() ?? '' };
      note({ organization, action: 'site.report-overdue', subject: `site:${site}`, details });
      const work = { tx, at, note: (fact: Fact) => note({ ...fact, organization }) };
      const alert = { kind: 'report-overdue', severity: 'warning', key, details } as const;
      await raiseAlert(deps, work, { organization, enterprise, site, ...alert });
    }
    return found.length;
  });

/** `alert.resolved`, for what is over by itself. */
export const tellRecovered = (deps: Dependencies): Promise<number> =>
  inBatch(deps, async ({ tx, at }, note) => {
    const over = await deps.stores.alerts.settle(tx, ACTOR, at, BATCH);
    for (const alert of over) note({ ...alertFact('alert.resolved', alert), organization: alert.organization });
    return over.length;
  });
