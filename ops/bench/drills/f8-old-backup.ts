import { oldBackup } from '@licet/server/test-authority';
import type { Row } from '../row.ts';

const BEFORE = 200;
const AFTER = 1000;

/** F8: what was issued and revoked after a backup is known again, although the backup was put back. */
export async function run(): Promise<Row> {
  const { fenced, lost, unrevoked, reopened, ms } = await oldBackup(BEFORE, AFTER);
  return {
    id: 'F8',
    what: `a backup put back, ${AFTER} certificates younger than it`,
    bar: 'fenced at start; after reconcile 0 serials lost, 0 un-revoked',
    figure: `${fenced ? 'fenced' : 'NOT fenced'}; ${lost} lost, ${unrevoked} un-revoked; reconciled in ${(ms / 1000).toFixed(1)} s`,
    pass: fenced && lost === 0 && unrevoked === 0 && reopened,
  };
}
