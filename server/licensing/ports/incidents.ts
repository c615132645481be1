import type { Incident } from '../licenses/renewal-window.ts';
import type { Transaction } from './transactions.ts';

export interface Incidents {
  insert(tx: Transaction, incident: Incident): Promise<void>;
  /** Those of the organization that have begun and not ended, newest first: a few at most. */
  inForce(tx: Transaction, at: Date): Promise<readonly Incident[]>;
  /** False: there is none in force. */
  end(tx: Transaction, id: string, at: Date): Promise<boolean>;
}
