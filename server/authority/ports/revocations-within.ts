import type { CertificateId, ChangingStore, OrderProgress, RevocationStore } from '@licet/authority';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import type { Authority } from './authorities.ts';
import type { FoundCertificate } from './certificates.ts';

/** Revocations as a part of a transaction that others began, whatever its scope: they commit with it. */
export type RevocationsWithin = (tx: Transaction) => ChangingStore &
  Pick<RevocationStore, 'enterprise'> & {
    /** Stores an order over many before its first batch, unless there is one of that name. */
    begin(organization: string, id: string, progress: OrderProgress, at: Date): Promise<void>;
    /** The certificates that can still be used of the CAs that an enterprise keeps itself for one contract. */
    delegated(organization: string, enterprise: string, contract: string, at: Date): Promise<readonly CertificateId[]>;
    /** Takes those CAs out of office for good. Resolves to those that were not so already, as they are now. */
    retireDelegated(organization: string, enterprise: string, contract: string): Promise<readonly Authority[]>;
    /** The CA certificates of an enterprise that count, but for those of keys here that sign no new license any more. */
    granting(organization: string, enterprise: string, at: Date): Promise<readonly FoundCertificate[]>;
  };
