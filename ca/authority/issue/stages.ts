import { AuthorityError } from '../errors.ts';
import type { CertificateStore, Commitment, Intent, Issued, Reservation } from '../ports/certificate-store.ts';
import type { Signer } from '../ports/signer.ts';
import { createBatcher, type Outcome } from './batcher.ts';
import type { Ticket } from './ticket.ts';

export type StageOptions = {
  readonly signer: Signer;
  readonly store: CertificateStore;
  /** Requests of one transaction, and of one fsync of the journal, at most. */
  readonly batch?: number;
  /** Requests that may wait to be recorded. */
  readonly queue?: number;
};

export type Stages = {
  record(intent: Intent): Promise<Reservation>;
  /** Spends the ticket. */
  sign(ticket: Ticket): Promise<Uint8Array>;
  commit(issued: Issued): Promise<Commitment>;
};

const BATCH = 256;
/** At 1,500 a second this is more than a caller waits. */
const QUEUE = 4096;

/**
 * Three queues, one behind the other: while one batch is being signed the next is recorded and the one before is
 * committed, so the disk of the database and that of the journal work at the same time. One batch of each kind at a time:
 * two would be half as large, and what a batch costs is its statements, not its rows.
 */
export function createStages({ store, signer, batch = BATCH, queue = QUEUE }: StageOptions): Stages {
  const record = createBatcher<Intent, Reservation>({
    name: 'recording',
    work: async (intents) => (await store.reserve(intents)).map((value) => ({ value })),
    batch,
    queue,
    lanes: 1,
  });
  const sign = createBatcher<Ticket, Uint8Array>({
    name: 'signing',
    work: (tickets) => signAll(signer, tickets),
    batch,
    // What is recorded must not be sent away: only the first queue is bounded.
    queue: Infinity,
    lanes: 1,
  });
  const commit = createBatcher<Issued, Commitment>({
    name: 'committing',
    work: async (issued) => (await store.commit(issued)).map((value) => ({ value })),
    batch,
    queue: Infinity,
    lanes: 1,
  });
  return {
    record: (intent: Intent) => record.submit(intent),
    sign(ticket: Ticket) {
      ticket.redeem();
      return sign.submit(ticket);
    },
    commit: (issued: Issued) => commit.submit(issued),
  };
}

/** The signer signs all or none. One that it refuses must not cost its batch mates theirs. */
async function signAll(signer: Signer, tickets: readonly Ticket[]): Promise<Outcome<Uint8Array>[]> {
  try {
    const requests = tickets.map(({ intent }) => ({
      key: intent.issuer,
      kind: 'certificate' as const,
      bytes: intent.tbs,
    }));
    const signatures = await signer.sign(requests);
    if (signatures.length !== tickets.length)
      throw new Error(`${signatures.length} signatures for ${tickets.length} requests`);
    return signatures.map((value) => ({ value }));
  } catch (error) {
    const refused =
      error instanceof AuthorityError && error.code !== 'SIGNER_UNAVAILABLE' && error.code !== 'JOURNAL_FULL';
    if (!refused) throw error;
    if (tickets.length === 1) return [{ error }];
    const half = tickets.length >> 1;
    return [...(await signAll(signer, tickets.slice(0, half))), ...(await signAll(signer, tickets.slice(half)))];
  }
}
