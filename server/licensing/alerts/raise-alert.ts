import type { Alert, NewAlert } from '../model/alert.ts';
import { newId } from '../model/id.ts';
import type { Dependencies, Fact, Work } from '../use-case.ts';

type Alerting = Pick<Work, 'tx' | 'at' | 'note'>;

/** Opens an alert and tells of it once; the same trouble again is only counted. */
export async function raiseAlert(
  deps: Dependencies,
  { tx, at, note }: Alerting,
  alert: NewAlert,
): Promise<{ readonly alert: Alert; readonly fresh: boolean }> {
  const raised = await deps.stores.alerts.raise(tx, alert, newId(deps.clock, deps.random), at);
  if (raised.fresh) note(alertFact('alert.opened', raised.alert));
  return raised;
}

/** The trouble is over by itself: whoever was told that it began is told of that as well. */
export async function settleAlert(
  deps: Dependencies,
  { tx, at, note }: Alerting,
  key: string,
  by: string,
): Promise<void> {
  const alert = await deps.stores.alerts.resolve(tx, key, by, at);
  if (alert !== undefined) note(alertFact('alert.resolved', alert));
}

/** The same in every event of an alert, so that a receiver of one of them can tell what it is about. */
export function alertFact(action: `alert.${'opened' | 'acknowledged' | 'resolved'}`, alert: Alert): Fact {
  const { id, kind, severity, site, enterprise } = alert;
  const about = { ...(site !== undefined && { site }), ...(enterprise !== undefined && { enterprise }) };
  return { action, subject: `alert:${id}`, details: { kind, severity, ...about } };
}
