import {
  type CertificateId,
  type ChangeOutcome,
  type KnownCertificate,
  type RevocationEvent,
  type RevocationRecord,
  type RevocationStore,
  stateOf,
} from '@licet/authority';
import { toHex } from '@licet/format';
import { LicetError } from '../licensing/errors.ts';
import type { RevocationReplay } from './journal-watch.ts';

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
  new LicetError(
    'conflict',
    'NOT_ISSUED',
    `The journal revokes serial ${toHex(serial)} of key ${key}, which neither it nor the database knows: restore a newer copy of either.`,
  );

const idOf = ({ key, serial }: RevocationRecord): CertificateId => ({ issuer: key, serial });

function reflects(known: KnownCertificate | undefined, { event }: RevocationRecord): boolean {
  const state = known?.state.state;
  if (state === undefined) return false;
  // A revocation is final, so whatever the journal says besides was before it.
  if (state === 'revoked') return true;
  return event === 'revoked' ? false : state === (event === 'held' ? 'held' : 'valid');
}

function eventOf({ reason, at }: RevocationRecord): RevocationEvent {
  const state = stateOf(reason, at);
  if (state.state === 'held') return { type: 'hold' };
  return state.state === 'valid' ? { type: 'reinstate' } : { type: 'revoke', reason: state.reason };
}

function* batches<T>(items: readonly T[]): Generator<readonly T[]> {
  for (let start = 0; start < items.length; start += BATCH) yield items.slice(start, start + BATCH);
}
