/** A key is bound to one purpose for life, and the signer looks at the bytes to hold it to that. */
export type KeyPurpose =
  | 'root' // signs organization CAs, the service CA, its OCSP responder, its CRLs
  | 'organization' // signs enterprise CAs, its OCSP responder and manifest signer, its CRLs
  | 'enterprise' // signs site licenses, its OCSP responder, its CRLs
  | 'service' // the service CA: signs TLS certificates without claims, its OCSP responder, its CRLs
  | 'ocsp' // signs OCSP responses
  | 'manifest' // signs manifests (CMS signed attributes)
  | 'token' // signs the verdict tokens of /keys/validate (JWS signing input)
  | 'tls'; // the server's own TLS key

export type KeyAlgorithm = 'P-256' | 'P-384' | 'RSA-3072' | 'Ed25519' | 'ML-DSA-65';

/** What the bytes to be signed are. The signer parses them itself and refuses bytes that are something else. */
export type SignatureKind = 'certificate' | 'crl' | 'ocsp' | 'manifest' | 'token';

export type KeyDescription = {
  readonly id: string;
  readonly purpose: KeyPurpose;
  readonly algorithm: KeyAlgorithm;
  /** The tenant the key belongs to; the signer refuses to sign a subject of another. */
  readonly organization: string;
  readonly enterprise: string | undefined;
  /** SubjectPublicKeyInfo, DER. */
  readonly publicKey: Uint8Array;
  readonly createdAt: Date;
};

export type SignRequest = { readonly key: string; readonly kind: SignatureKind; readonly bytes: Uint8Array };

export type RevocationRecord = {
  /** The key id of the issuer. */
  readonly key: string;
  readonly serial: Uint8Array;
  /** `reinstated` undoes a hold and nothing else. */
  readonly event: 'revoked' | 'held' | 'reinstated';
  readonly reason: number;
  readonly at: Date;
};

/** One line of the journal. `hash` covers the line and `previous`, so that no line can be changed, dropped or moved. */
export type JournalEntry = {
  readonly sequence: bigint;
  readonly previous: Uint8Array;
  readonly hash: Uint8Array;
  readonly at: Date;
  readonly record:
    | {
        readonly type: 'signature';
        readonly key: string;
        readonly kind: SignatureKind;
        /** Of the bytes that were signed. */
        readonly digest: Uint8Array;
        /** The signed object itself (TBS) and the signature, for certificates: enough to rebuild a lost row. */
        readonly signed: Uint8Array | undefined;
        readonly signature: Uint8Array | undefined;
      }
    | ({ readonly type: 'revocation' } & RevocationRecord)
    | { readonly type: 'key'; readonly key: string; readonly event: 'created' | 'rotated' | 'retired' };
};

/**
 * The only thing that uses private keys. Lives in a process of its own; what talks to it never sees key bytes.
 * Rejects with an AuthorityError: SIGNER_REFUSED (purpose, tenant or form: do not ask again), SIGNER_UNAVAILABLE
 * (gone, slow, or the journal cannot be written: nothing was signed, ask again later).
 */
export interface Signer {
  keys(): Promise<readonly KeyDescription[]>;
  createKey(options: {
    readonly purpose: KeyPurpose;
    readonly algorithm: KeyAlgorithm;
    readonly organization: string;
    readonly enterprise?: string;
  }): Promise<KeyDescription>;
  retireKey(id: string): Promise<void>;
  /**
   * One signature per request, in order, all or none. Certificates, CRLs and manifests are in the fsync'd journal
   * before this resolves: one fsync for the whole batch. OCSP answers and tokens are statements of status, not grants:
   * they are counted in the journal in bulk and not waited for.
   */
  sign(requests: readonly SignRequest[]): Promise<readonly Uint8Array[]>;
  /** Durable in the journal when it resolves. */
  recordRevocations(records: readonly RevocationRecord[]): Promise<void>;
  journalHead(): Promise<{ readonly sequence: bigint; readonly hash: Uint8Array }>;
  /** Entries after `sequence`, in order. */
  journalAfter(sequence: bigint, limit: number): Promise<readonly JournalEntry[]>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
