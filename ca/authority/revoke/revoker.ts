import { toHex } from '@licet/format';
import { type CrashHook, noCrash } from '../issue/crash-points.ts';
import { AuthorityError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { RevocationEvent, RevocationState } from '../ports/revocation.ts';
import type {
  BulkOrder,
  CertificateId,
  ChangeOutcome,
  OrderProgress,
  RevocationOrder,
  RevocationStore,
} from '../ports/revocation-store.ts';
import type { Signer } from '../ports/signer.ts';
import { advanced, beginningOf } from './order-progress.ts';
import { JOURNAL_EVENTS, reasonNumberOf } from './steps.ts';

export type RevokerDeps = {
  readonly signer: Signer;
  readonly store: RevocationStore;
  readonly clock: Clock;
  /** Told after each commit: caches forget these certificates, and their CRLs are made anew. */
  readonly changed?: (ids: readonly CertificateId[]) => void;
  /** Told after each commit what became of what was asked. */
  readonly judged?: (event: RevocationEvent, outcomes: readonly ChangeOutcome[]) => void;
  readonly crashPoint?: CrashHook;
};

export type BulkOptions = {
  /** Names the order: the same id again carries on where it stopped. */
  readonly id: string;
  /** Which of these are licenses of suspended sites, in order: they are only counted. Asked before each batch. */
  readonly suspendedSites?: (ids: readonly CertificateId[]) => Promise<readonly boolean[]>;
  /** Told after each batch. */
  readonly progress?: (progress: OrderProgress) => void;
  readonly signal?: AbortSignal;
  readonly batch?: number;
};

export type EnterpriseOptions = {
  /** Told after each batch how many were changed so far. */
  readonly progress?: (changed: number) => void;
  readonly signal?: AbortSignal;
  readonly batch?: number;
};

/** What a transaction sees and changes of a `RevocationStore`. */
export type ChangingStore = Pick<RevocationStore, 'find' | 'change'>;

export interface Revoker {
  /**
   * Changes one certificate: journal first, then database, audit and event in one transaction; durable in all of them
   * when it resolves. Asking for what is so already, with the same reason, succeeds (a lost answer is repaired by
   * asking again). Rejects with NOT_ISSUED, ALREADY_REVOKED (nothing changes a revocation, not even its reason) or
   * NOT_HELD, and then nothing was written anywhere.
   */
  change(order: RevocationOrder, id: CertificateId): Promise<RevocationState>;
  /**
   * As a part of a transaction of the caller, which `store` is made on: in the journal when it resolves, and true with
   * the caller's commit, after which `tell` is to be called. Comes last, when nothing can refuse what is done besides:
   * should the commit fail after it, the journal wins, and these certificates (no other rows) are changed all the same.
   */
  changeWithin(store: ChangingStore, order: RevocationOrder, ids: readonly CertificateId[]): Promise<Changed>;
  /** Many, in batches. What single ones were refused for is counted and does not stop the others. */
  changeAll(order: RevocationOrder, ids: readonly CertificateId[], options: BulkOptions): Promise<OrderProgress>;
  /**
   * Revokes the CA certificates of an enterprise, which ends everything below for whoever checks the chain, and then
   * each of its licenses. A hold and its end concern the CA certificates only: with them everything below is suspended
   * and comes back. Needs no order id: what is revoked already is not found again. Resolves to how many were changed.
   */
  revokeEnterprise(order: RevocationOrder, enterprise: string, options?: EnterpriseOptions): Promise<number>;
}

export type Changed = { readonly outcomes: readonly ChangeOutcome[]; readonly tell: () => void };

/** One fsync and one transaction. Larger ones would hold up the audit log of everybody else. */
const BATCH = 1000;

export function createRevoker(deps: RevokerDeps): Revoker {
  return {
    change: (order, id) => changeOne(deps, order, id),
    changeWithin: (store, order, ids) => journalAndChange(deps, store, order, ids),
    changeAll: (order, ids, options) => changeAll(deps, order, ids, options),
    revokeEnterprise: (order, enterprise, options = {}) => revokeEnterprise(deps, order, enterprise, options),
  };
}

async function changeOne(deps: RevokerDeps, order: RevocationOrder, id: CertificateId): Promise<RevocationState> {
  const [outcome] = await changeBatch(deps, order, [id]);
  if (outcome !== 'applied' && outcome !== 'unchanged') throw refusal(outcome ?? 'NOT_ISSUED', id);
  const [known] = await deps.store.find([id]);
  if (known === undefined) throw refusal('NOT_ISSUED', id);
  return known.state;
}

async function changeBatch(
  deps: RevokerDeps,
  order: RevocationOrder,
  ids: readonly CertificateId[],
  bulk?: BulkOrder,
): Promise<readonly ChangeOutcome[]> {
  const { outcomes, tell } = await journalAndChange(deps, deps.store, order, ids, bulk);
  tell();
  return outcomes;
}

/**
 * The journal first: what is in the database is in the journal, and a restored backup cannot forget it. Under the lock of
 * the change: with its line written before, of two changes at once the one could stand last in the journal and the other
 * in the database, or one that was refused by what it saw first could be made without a line.
 */
async function journalAndChange(
  { signer, clock, changed, judged, crashPoint = noCrash }: RevokerDeps,
  store: ChangingStore,
  order: RevocationOrder,
  ids: readonly CertificateId[],
  bulk?: BulkOrder,
): Promise<Changed> {
  const at = clock.now();
  const event = JOURNAL_EVENTS[order.event.type];
  const reason = reasonNumberOf(order.event);
  const journal = async (changing: readonly CertificateId[]): Promise<void> => {
    await signer.recordRevocations(changing.map(({ issuer: key, serial }) => ({ key, serial, event, reason, at })));
    crashPoint('revoke.journaled');
  };
  const outcomes = await store.change(order, ids, at, { journal, bulk });
  return {
    outcomes,
    tell() {
      crashPoint('revoke.committed');
      judged?.(order.event, outcomes);
      const applied = ids.filter((_, i) => outcomes[i] === 'applied');
      if (applied.length > 0) changed?.(applied);
    },
  };
}

async function changeAll(
  deps: RevokerDeps,
  order: RevocationOrder,
  ids: readonly CertificateId[],
  { id, suspendedSites, progress, signal, batch = BATCH }: BulkOptions,
): Promise<OrderProgress> {
  const beginning = beginningOf(order.event, ids);
  const begun = await deps.store.order(order.organization, id);
  if (begun !== undefined && Buffer.compare(begun.digest, beginning.digest) !== 0) {
    const message = `Order "${id}" was begun with another list or another event; give a new order another id.`;
    throw new AuthorityError('ORDER_MISMATCH', message);
  }
  let current: OrderProgress = begun ?? beginning;
  while (current.done < ids.length) {
    signal?.throwIfAborted();
    const part = ids.slice(current.done, current.done + batch);
    const refused = (await suspendedSites?.(part)) ?? [];
    const asked = part.filter((_, i) => refused[i] !== true);
    const besides = part.filter((_, i) => refused[i] === true).map(() => 'SITE_SUSPENDED' as const);
    const outcomes = await changeBatch(deps, order, asked, { id, progress: current, besides });
    current = advanced(current, [...outcomes, ...besides]);
    progress?.(current);
  }
  return current;
}

async function revokeEnterprise(
  deps: RevokerDeps,
  order: RevocationOrder,
  enterprise: string,
  { progress, signal, batch = BATCH }: EnterpriseOptions,
): Promise<number> {
  const { certificates, keys } = await deps.store.enterprise(order.organization, enterprise, deps.clock.now());
  let revoked = 0;
  const run = async (ids: readonly CertificateId[]) => {
    signal?.throwIfAborted();
    const outcomes = await changeBatch(deps, order, ids);
    revoked += outcomes.filter((outcome) => outcome === 'applied').length;
    progress?.(revoked);
  };
  if (certificates.length > 0) await run(certificates);
  if (order.event.type !== 'revoke') return revoked;
  for (const key of keys) {
    let after: Uint8Array | undefined;
    for (;;) {
      const page = await deps.store.issuedBy(key, deps.clock.now(), after, batch);
      if (page.length > 0) await run(page);
      if (page.length < batch) break;
      after = page.at(-1)!.serial;
    }
  }
  return revoked;
}

const REFUSALS: Readonly<Record<Exclude<ChangeOutcome, 'applied' | 'unchanged'>, string>> = {
  NOT_ISSUED: 'was never issued here; check issuer and serial',
  ALREADY_REVOKED: 'is revoked already, and that is final',
  NOT_HELD: 'is not suspended, so there is nothing to undo',
};

function refusal(outcome: keyof typeof REFUSALS, { serial }: CertificateId): AuthorityError {
  return new AuthorityError(outcome, `The certificate with the serial ${toHex(serial)} ${REFUSALS[outcome]}.`);
}
