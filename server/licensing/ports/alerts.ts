import type { Alert, NewAlert } from '../model/alert.ts';
import type { Page } from './collection.ts';
import type { Transaction } from './transactions.ts';

/** Troubles that somebody has to look at. The same trouble (its key) is one alert until it is resolved. */
export interface Alerts {
  /** Opens an alert, or counts one more occurrence of the one that is there. `fresh`: it was opened now. */
  raise(
    tx: Transaction,
    alert: NewAlert,
    id: string,
    at: Date,
  ): Promise<{ readonly alert: Alert; readonly fresh: boolean }>;
  lock(tx: Transaction, id: string): Promise<Alert | undefined>;
  setStatus(tx: Transaction, id: string, status: Alert['status'], by: string, at: Date): Promise<void>;
  /** Resolves what is unresolved under this key: the trouble is over by itself. */
  resolve(tx: Transaction, key: string, by: string, at: Date): Promise<Alert | undefined>;
  /**
   * Resolves those whose trouble is over by itself: the site has a license again, has reported, or is retired. In the
   * scope of the platform. Returns them.
   */
  settle(tx: Transaction, by: string, at: Date, limit: number): Promise<readonly Alert[]>;
  get(tx: Transaction, id: string): Promise<Alert | undefined>;
  list(
    tx: Transaction,
    query: {
      readonly enterprise?: string;
      readonly site?: string;
      readonly status?: Alert['status'];
      readonly kind?: Alert['kind'];
      readonly severity?: Alert['severity'];
      readonly after?: string;
      readonly limit: number;
    },
  ): Promise<Page<Alert>>;
}
