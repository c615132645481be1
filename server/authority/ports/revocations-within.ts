import type { CertificateId, ChangingStore, RevocationStore } from '@licet/authority';
import type { Transaction } from '../../licensing/ports/transactions.ts';

/** Revocations as a part of a transaction that others began, whatever its scope: they commit with it. */
export type RevocationsWithin = (tx: Transaction) => ChangingStore &
  Pick<RevocationStore, 'enterprise'> & {
    /** The unexpired certificates of the CAs that an enterprise keeps itself for one contract. */
    delegated(organization: string, enterprise: string, contract: string, at: Date): Promise<readonly CertificateId[]>;
  };
