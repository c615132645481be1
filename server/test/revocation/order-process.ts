import { randomBytes } from 'node:crypto';
import { type CertificateId, createRevoker, type OrderProgress, SignerClient } from '@licet/authority';
import { auditLog } from '../../persistence/audit-log.ts';
import { createRevocationStore } from '../../persistence/authority/revocation-store.ts';
import { openDatabase } from '../../persistence/database.ts';
import { leases } from '../../persistence/leases.ts';
import { createLicenseFollower } from '../../persistence/licensing/follow-revocations.ts';
import { outbox } from '../../persistence/outbox.ts';

export type OrderPlace = { readonly url: string; readonly socket: string };
export type Order = { readonly id: string; readonly ids: readonly CertificateId[] };

/** As a server carries out an order over many, in whichever process this is called: one that is killed, for instance. */
export async function carryOut(
  { url, socket }: OrderPlace,
  { id, ids }: Order,
  progress: (now: OrderProgress) => void,
): Promise<OrderProgress> {
  const clock = { now: () => new Date() };
  const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
  const log = { info: () => {}, warn: () => {}, error: () => {} };
  const database = await openDatabase(
    { host: 'postgresql', url, poolSize: 4, statementTimeoutMs: 60_000, lockTimeoutMs: 10_000 },
    { clock, random, log },
  );
  const signer = new SignerClient({ path: socket });
  const holder = `order ${process.pid}`;
  const changed = [createLicenseFollower(outbox)];
  const store = createRevocationStore({ transactions: database, auditLog, outbox, leases, holder, changed });
  const event = { type: 'revoke', reason: 'superseded' } as const;
  const order = { organization: 'acme', event, principal: 'user:4711', context: { order: id } };
  try {
    return await createRevoker({ signer, store, clock }).changeAll(order, ids, { id, progress });
  } finally {
    await signer.close();
    await database.close();
  }
}
