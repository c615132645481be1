import type { Claims } from '@licet/format';

export type DelegatedContract = {
  readonly organization: string;
  /** Short name, as it stands in the certificate. */
  readonly enterprise: string;
  /** What the certificate says: everything that was bought. */
  readonly contract: Claims;
};

export type DelegatedAuthority = {
  /** Lower-case hexadecimal. */
  readonly serial: string;
  /** DER of the CA's certificate, then of each above it, the root last. */
  readonly chain: readonly Uint8Array[];
  readonly notBefore: Date;
  readonly notAfter: Date;
};

/** CAs of enterprises that keep their keys themselves, on servers of their own. */
export interface Delegation {
  /**
   * Certifies the key of a request for a contract; durable when it resolves. The same request again has the same answer
   * while the contract stands still. Another key follows the one before, whose certificates stay good. Rejects with
   * AUTHORITY_EXISTS when a CA of this server speaks for the contract, NAME_INVALID when the request is somebody else's.
   */
  certify(of: DelegatedContract, csr: Uint8Array): Promise<DelegatedAuthority>;
  /** After a change of the contract, or when its certificate was superseded: the same key is certified anew. */
  follow(of: DelegatedContract): Promise<void>;
}
