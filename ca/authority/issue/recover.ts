import { hash } from 'node:crypto';
import { type Bytes, toHex } from '@licet/format';
import { AuthorityError } from '../errors.ts';
import type { CertificateStore, Intent, Issued } from '../ports/certificate-store.ts';
import { type Clock, SKEW_MS } from '../ports/clock.ts';
import type { JournalEntry, Signer } from '../ports/signer.ts';
import type { IssuerGeneration } from './issuer-generation.ts';
import { prove } from './prove.ts';

export type Recovery = {
  readonly signer: Signer;
  readonly store: CertificateStore;
  readonly clock: Clock;
  readonly generationOf: (key: string) => Promise<IssuerGeneration | undefined>;
};

export type Settled = {
  readonly completed: number;
  readonly closed: number;
  /** What can be neither, as long as that is so. */
  readonly left: readonly { readonly intent: Intent; readonly reason: AuthorityError }[];
};

const PAGE = 500;
const JOURNAL_PAGE = 1000;

/**
 * At start-up, and now and then by a job: every intent that was recorded before `before` and has no certificate is
 * completed with the signature that the journal holds, or closed. A crash in here is repaired by the next run: both
 * outcomes may be written twice.
 */
export async function recover(recovery: Recovery, before: Date): Promise<Settled> {
  let { completed, closed } = { completed: 0, closed: 0 };
  for (;;) {
    const intents = await recovery.store.intentsWithoutCertificate(before, PAGE);
    const page = await settle(recovery, intents);
    completed += page.completed;
    closed += page.closed;
    // What is left comes again with the next page, and alone it would come for ever.
    if (page.completed + page.closed === 0) return { completed, closed, left: page.left };
  }
}

/** Completes or closes each of these intents, or leaves it as it is: what is wrong with one is no matter of the others. */
export async function settle(recovery: Recovery, intents: readonly Intent[]): Promise<Settled> {
  const { store, clock } = recovery;
  if (intents.length === 0) return { completed: 0, closed: 0, left: [] };
  const signatures = await findSignatures(recovery.signer, intents);
  const issued: Issued[] = [];
  const lost: Intent[] = [];
  const left: Settled['left'][number][] = [];
  for (const intent of intents) {
    try {
      const certificate = await rebuild(recovery, intent, signatures.get(toHex(intent.serial)));
      if (certificate === undefined) lost.push(intent);
      else issued.push({ intent, certificate, at: clock.now() });
    } catch (error) {
      if (!(error instanceof AuthorityError)) throw error;
      left.push({ intent, reason: error });
    }
  }
  if (issued.length > 0) await store.commit(issued);
  if (lost.length > 0) await store.close(lost, 'never signed', clock.now());
  return { completed: issued.length, closed: lost.length, left };
}

async function rebuild(
  { generationOf }: Recovery,
  intent: Intent,
  signature: Bytes | undefined,
): Promise<Bytes | undefined> {
  if (signature === undefined) return undefined;
  const issuer = await generationOf(intent.issuer);
  if (issuer === undefined) {
    throw new AuthorityError(
      'KEY_UNKNOWN',
      `Serial ${toHex(intent.serial)} was signed by key ${intent.issuer}, which is not here.`,
    );
  }
  return prove(intent.tbs, signature, issuer, intent.at);
}

/** The signatures that the journal holds for these intents, by serial. An order without its signature does not count. */
async function findSignatures(signer: Signer, intents: readonly Intent[]): Promise<ReadonlyMap<string, Bytes>> {
  const serials = new Map(
    intents.map((intent) => [digestId(intent.issuer, hash('sha256', intent.tbs, 'buffer')), toHex(intent.serial)]),
  );
  const orders = new Map<bigint, string>();
  const found = new Map<string, Bytes>();
  const oldest = Math.min(...intents.map(({ at }) => at.getTime()));
  for await (const { sequence, record } of entriesSince(signer, new Date(oldest - SKEW_MS))) {
    if (record.type === 'signature' && record.kind === 'certificate') {
      const serial = serials.get(digestId(record.key, record.digest));
      if (serial !== undefined) orders.set(sequence, serial);
    } else if (record.type === 'signed') {
      const serial = orders.get(record.of);
      // Of several the first: the one that an answer may have left with.
      if (serial !== undefined && !found.has(serial)) found.set(serial, record.signature);
    }
  }
  return found;
}

const digestId = (key: string, digest: Bytes) => `${key} ${toHex(digest)}`;

/** Entries from an instant on, without reading what came before it: the journal may hold years. */
export async function* entriesSince(signer: Signer, since: Date): AsyncGenerator<JournalEntry> {
  const head = await signer.journalHead();
  let low = 0n;
  let high = head.sequence;
  // The last sequence whose entry is older than `since`; what follows it is ours to read.
  while (low < high) {
    const middle = (low + high + 1n) / 2n;
    const [entry] = await signer.journalAfter(middle - 1n, 1);
    if (entry === undefined || entry.at >= since) high = middle - 1n;
    else low = middle;
  }
  for (let after = low; after < head.sequence;) {
    const page = await signer.journalAfter(after, JOURNAL_PAGE);
    if (page.length === 0) return;
    yield* page;
    after = page.at(-1)!.sequence;
  }
}
