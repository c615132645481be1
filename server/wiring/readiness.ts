import type { Signer } from '@licet/authority';
import type { Fence } from '../authority/fence.ts';
import { createReadiness, type Readiness } from '../operations/readiness.ts';
import type { Database } from '../persistence/database.ts';

export type ReadinessParts = {
  readonly database: Pick<Database, 'checkWritable' | 'transactionsDone'>;
  readonly signer: Pick<Signer, 'ping'>;
  readonly fence: Pick<Fence, 'assertOpen'>;
  readonly checkCrls: () => Promise<string | undefined>;
  readonly checkKeys: () => Promise<string | undefined>;
  readonly checkEnds: () => Promise<string | undefined>;
};

/** What a server cannot serve without. */
export function readinessOf(parts: ReadinessParts, seconds: number): Readiness {
  const { database, signer, fence, checkCrls, checkKeys, checkEnds } = parts;
  const progress = () => database.transactionsDone();
  return createReadiness(
    [
      { name: 'database', check: () => database.checkWritable(), progress },
      { name: 'signer', check: () => signer.ping() },
      { name: 'journal', check: async () => fence.assertOpen() },
      { name: 'crls', check: checkCrls, progress },
      { name: 'keys', check: checkKeys, progress },
      { name: 'authorities', check: checkEnds, progress },
    ],
    seconds * 1000,
  );
}
