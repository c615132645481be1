import {
  type CertificateId,
  type ChangeOutcome,
  type CrashHook,
  createRevoker,
  type RevocationEvent,
  type RevocationStore,
  type Revoker,
  type Signer,
} from '@licet/authority';
import type { Fence } from '../authority/fence.ts';
import { systemClock as clock } from '../clock.ts';
import type { Revocations } from '../licensing/ports/revocations.ts';
import { auditLog } from '../persistence/audit-log.ts';
import { createRevocations } from '../authority/revocations.ts';
import { createRevocationStore, createRevocationsWithin } from '../persistence/authority/revocation-store.ts';
import { createSupersededTeller } from '../persistence/authority/tell-superseded.ts';
import type { Database } from '../persistence/database.ts';
import { leases } from '../persistence/leases.ts';
import { createLicenseFollower } from '../persistence/licensing/follow-revocations.ts';
import { outbox } from '../persistence/outbox.ts';

type RevocationGround = {
  readonly database: Database;
  readonly signer: Signer;
  readonly holder: string;
  readonly fence: Fence;
  readonly crashPoint: CrashHook;
  /** Told after the commit that authorities are out of office. */
  readonly retired: () => void;
};

export type RevocationParts = {
  readonly revocations: RevocationStore;
  readonly revoker: Revoker;
  /** For use cases. */
  readonly licenseRevocations: Revocations;
  /** Told of certificates whose status was changed by this process, after it is durable. */
  readonly onStatusChange: (listener: (ids: readonly CertificateId[]) => void) => void;
  /** Told what became of everything that this process was asked to change. */
  readonly onJudged: (listener: (event: RevocationEvent, outcomes: readonly ChangeOutcome[]) => void) => void;
};

export function connectRevocation({
  database: transactions,
  signer,
  holder,
  fence,
  crashPoint,
  retired,
}: RevocationGround): RevocationParts {
  const changed = [createLicenseFollower(outbox), createSupersededTeller(outbox)];
  const stored = { transactions, auditLog, outbox, leases, holder, changed };
  const revocations = createRevocationStore(stored);
  const changes = listeners<[ids: readonly CertificateId[]]>();
  const judgements = listeners<[event: RevocationEvent, outcomes: readonly ChangeOutcome[]]>();
  const told = { changed: changes.tell, judged: judgements.tell };
  const revoker = fenced(createRevoker({ signer, store: revocations, clock, crashPoint, ...told }), fence);
  return {
    revocations,
    revoker,
    licenseRevocations: createRevocations({
      revoker,
      store: revocations,
      within: createRevocationsWithin(stored),
      auditLog,
      retired,
    }),
    onStatusChange: changes.add,
    onJudged: judgements.add,
  };
}

function listeners<Args extends unknown[]>() {
  const all: ((...args: Args) => void)[] = [];
  return {
    add: (listener: (...args: Args) => void): void => void all.push(listener),
    tell: (...args: Args): void => all.forEach((listener) => listener(...args)),
  };
}

function fenced(revoker: Revoker, fence: Fence): Revoker {
  const open = async () => fence.assertOpen();
  return {
    change: (...order) => open().then(() => revoker.change(...order)),
    changeWithin: (...order) => open().then(() => revoker.changeWithin(...order)),
    changeAll: (...order) => open().then(() => revoker.changeAll(...order)),
    revokeEnterprise: (...order) => open().then(() => revoker.revokeEnterprise(...order)),
  };
}
