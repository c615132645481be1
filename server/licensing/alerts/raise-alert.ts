import type { Alert, NewAlert } from '../model/alert.ts';
import { newId } from '../model/id.ts';
import type { Dependencies, Work } from '../use-case.ts';

/** Opens an alert and tells of it once; the same trouble again is only counted. */
export async function raiseAlert(deps: Dependencies, { tx, at, note }: Work, alert: NewAlert): Promise<Alert> {
  const raised = await deps.stores.alerts.raise(tx, alert, newId(deps.clock, deps.random), at);
  const { id, kind, severity, site, enterprise } = raised.alert;
  if (raised.fresh) {
    const details = {
      kind,
      severity,
      ...(site !== undefined && { site }),
      ...(enterprise !== undefined && { enterprise }),
    };
    note({ action: 'alert.opened', subject: `alert:${id}`, details });
  }
  return raised.alert;
}
