import { hash } from 'node:crypto';
import { checkRequest, loadProfiles, refusal } from '@licet/authority';
import type { Transaction } from '../licensing/ports/transactions.ts';
import type { Fence } from './fence.ts';
import type { CertificateFinder } from './ports/certificates.ts';

const PROFILE = loadProfiles().site;

/** A key belongs to the lineage that had it first. */
export const keyOwnerOf = (lineage: string): string => `lineage ${lineage}`;

/**
 * Rejects with what issuing would refuse a first request for: the request itself, or its key. Whose keys other organizations
 * have is not seen here; nor is who asks for the same in this moment.
 */
export async function checkFirstRequest(
  { certificates, fence }: { readonly certificates: Pick<CertificateFinder, 'key'>; readonly fence: Fence },
  tx: Transaction,
  csr: Uint8Array,
  lineage: string | undefined,
): Promise<void> {
  fence.assertOpen();
  const { publicKey } = checkRequest(csr, PROFILE);
  const key = await certificates.key(tx, hash('sha256', publicKey.raw, 'buffer'));
  if (key === undefined) return;
  if (key.isBlocked) throw refusal('key-blocked');
  if (lineage === undefined || key.owner !== keyOwnerOf(lineage)) throw refusal('key-reused');
}
