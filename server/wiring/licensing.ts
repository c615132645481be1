import { systemClock as clock } from '../clock.ts';
import { createSecondPerson } from '../licensing/second-person.ts';
import type { Dependencies } from '../licensing/use-case.ts';
import { accessStores } from '../persistence/access/index.ts';
import { auditLog } from '../persistence/audit-log.ts';
import type { Database } from '../persistence/database.ts';
import { stores } from '../persistence/licensing/stores.ts';
import { outbox } from '../persistence/outbox.ts';
import { systemRandom as random } from '../random.ts';
import type { AuthorityParts } from './authority.ts';

/** What the use cases of the licensing domain work with. */
export function connectLicensing(
  database: Database,
  { issuance, licenseRevocations: revocations }: AuthorityParts,
): Dependencies {
  const common = { transactions: database, clock, random, auditLog, outbox };
  const { organizations } = stores;
  const secondPerson = createSecondPerson({ ...common, stores: accessStores, organizations });
  return { ...common, stores, issuance, revocations, secondPerson };
}
