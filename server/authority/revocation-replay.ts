import {
  type CertificateId,
  type ChangeOutcome,
  type FinalReason,
  type KnownCertificate,
  REVOCATION_REASONS,
  type RevocationEvent,
  type RevocationRecord,
  type RevocationStore,
} from '@licet/authority';
import { toHex } from '@licet/format';
import type { RevocationReplay } from './journal-watch.ts';

/** CRLReason, RFC 5280 §5.3.1, as the journal keeps it. */
const REASONS: ReadonlyMap<number, FinalReason> = new Map<number, FinalReason>([
  [1, 'keyCompromise'],
  [2, 'cACompromise'],
  [3, 'affiliationChanged'],
  [4, 'superseded'],
  [5, 'cessationOfOperation'],
  [9, 'privilegeWithdrawn'],
]);
if (REASONS.size !== REVOCATION_REASONS.length) throw new Error('A reason of revocation has no number here.');

/** One transaction. */
const BATCH = 1000;

/** Statuses out of the journal, through the door that every other change goes through, so audited and told as well. */
export function createRevocationReplay(store: RevocationStore): RevocationReplay {
  return {
    async missing(records) {
      const missing: RevocationRecord[] = [];
      for (const batch of batches(records)) {
        const known = await store.find(batch.map(idOf));
        missing.push(...batch.filter((record, index) => !reflects(known[index], record)));
      }
      return missing;
    },

    async apply(records) {
      for (const batch of batches(records)) {
        const known = await store.find(batch.map(idOf));
        const groups = Map.groupBy(batch, (record) => {
          const { organization = '' } = known[batch.indexOf(record)] ?? {};
          return [organization, record.event, record.reason, record.at.getTime()].join('/');
        });
        for (const group of groups.values()) {
          await applyGroup(store, known[batch.indexOf(group[0]!)]?.organization, group);
        }
      }
    },
  };
}

async function applyGroup(
  store: RevocationStore,
  organization: string | undefined,
  group: readonly RevocationRecord[],
): Promise<void> {
  const [first] = group;
  if (first === undefined) return;
  if (organization === undefined) throw unknown(first);
  const outcomes = await store.change(
    { organization, event: eventOf(first), principal: 'system:reconcile', context: { source: 'journal' } },
    group.map(idOf),
    first.at,
  );
  // What is revoked for good already has nothing more to lose.
  const harmless: ReadonlySet<ChangeOutcome> = new Set(['applied', 'unchanged', 'ALREADY_REVOKED', 'NOT_HELD']);
  const bad = outcomes.findIndex((outcome) => !harmless.has(outcome));
  if (bad !== -1) throw unknown(group[bad]!);
}

const unknown = ({ key, serial }: RevocationRecord) =>
  new Error(`The journal revokes serial ${toHex(serial)} of key ${key}, which neither it nor the database knows.`);

const idOf = ({ key, serial }: RevocationRecord): CertificateId => ({ issuer: key, serial });

function reflects(known: KnownCertificate | undefined, { event }: RevocationRecord): boolean {
  const state = known?.state.state;
  if (state === undefined) return false;
  // A revocation is final, so whatever the journal says besides was before it.
  if (state === 'revoked') return true;
  return event === 'revoked' ? false : state === (event === 'held' ? 'held' : 'valid');
}

function eventOf({ event, reason }: RevocationRecord): RevocationEvent {
  if (event === 'held') return { type: 'hold' };
  if (event === 'reinstated') return { type: 'reinstate' };
  // A number that nobody writes is a revocation all the same.
  return { type: 'revoke', reason: REASONS.get(reason) ?? 'cessationOfOperation' };
}

function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += BATCH) yield items.slice(start, start + BATCH);
}
