import type { Claims } from '@licet/format';

/** Who asked, for what, in words that the audit log keeps: principal, site, contract and so on. No secrets. */
export type Context = Readonly<Record<string, string>>;

/** What is about to be signed: durable before a key touches it. Everything needed to finish it after a crash. */
export type Intent = {
  /** The key id of the issuer. */
  readonly issuer: string;
  /** Content octets of the INTEGER. */
  readonly serial: Uint8Array;
  /** SHA-256 of what identifies the request: its principal and its CSR. The same request has one certificate. */
  readonly request: Uint8Array;
  /** SHA-256 of the CSR; of the public key where our own signer holds the key. */
  readonly csr: Uint8Array;
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  /** Who may use this public key again: the lineage of a site, an authority. Others are refused. */
  readonly keyOwner: string;
  /** The exact bytes to be signed. */
  readonly tbs: Uint8Array;
  readonly profile: string;
  /** SHA-256 of the profile as it was: a profile that changes while two versions run does not go unnoticed. */
  readonly profileHash: Uint8Array;
  readonly claims: Claims | undefined;
  readonly organization: string;
  readonly enterprise: string | undefined;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly crlShard: number;
  readonly context: Context;
  readonly at: Date;
};

export type Reservation =
  /** Recorded. Sign it. */
  | { readonly outcome: 'reserved' }
  /** The same request was answered before, and that certificate has not expired: here it is. */
  | { readonly outcome: 'issued'; readonly certificate: Uint8Array }
  /** The same request is recorded and not finished: by another process now, or by one that died. */
  | { readonly outcome: 'pending'; readonly intent: Intent }
  /** Never with a working source of randomness. */
  | { readonly outcome: 'serial-taken' }
  /** The public key is on the list of keys that are known to others. */
  | { readonly outcome: 'key-blocked' }
  /** The public key was certified for another owner. */
  | { readonly outcome: 'key-reused' }
  /** Another request renews the same license at this moment. */
  | { readonly outcome: 'renewal-taken' }
  /** Another request has begun the same lineage, or does so at this moment. */
  | { readonly outcome: 'first-taken' };

export type Issued = { readonly intent: Intent; readonly certificate: Uint8Array; readonly at: Date };

export type Commitment =
  | { readonly outcome: 'committed' }
  /** This very certificate stands there already: the answer to an earlier commit was lost. */
  | { readonly outcome: 'already-committed' }
  /** Somebody closed or completed the intent meanwhile. Nothing was written; the certificate must not leave. */
  | { readonly outcome: 'closed' };

/**
 * Where intents and certificates live. Every call is one transaction for its whole batch and durable when it resolves.
 * When it rejects, the batch was written as a whole or not at all, and the caller cannot know which: each call may
 * therefore be repeated as it is, and the second time says what the first would have said.
 */
export interface CertificateStore {
  /**
   * One outcome per intent, in order. Atomic over all processes: of two intents with one serial, one request, or one
   * public key of two owners, at most one is reserved. A serial that was reserved is never free again, whatever
   * becomes of the intent. An intent that is there already byte for byte (same serial, same TBS) is `reserved`.
   * Two intents of one batch are judged in order. Whether a license may be recorded, the store asks the domain.
   */
  reserve(intents: readonly Intent[]): Promise<readonly Reservation[]>;
  /** Writes each certificate together with its audit entry and its event. One outcome per item, in order. */
  commit(issued: readonly Issued[]): Promise<readonly Commitment[]>;
  /**
   * Gives up on intents for which no certificate may leave any more. The serial stays taken and revocable, the request
   * may be made again. An intent that meanwhile has a certificate is left as it is.
   */
  close(intents: readonly Intent[], reason: string, at: Date): Promise<void>;
  /** The unexpired certificate of a request, if it was answered. */
  findByRequest(request: Uint8Array, at: Date): Promise<Uint8Array | undefined>;
  /** Intents recorded before `before` and neither committed nor closed, oldest first. */
  intentsWithoutCertificate(before: Date, limit: number): Promise<readonly Intent[]>;
}
