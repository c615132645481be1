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
export type SignatureKind =
  | 'certificate' // TBSCertificate
  | 'request' // CertificationRequestInfo (PKCS#10) of the key itself: how a CA key asks its parent for a certificate
  | 'crl' // TBSCertList
  | 'ocsp' // ResponseData
  | 'manifest' // CMS SignedAttributes, as the SET OF that is signed
  | 'token'; // JWS signing input; its signature comes in JWS form (RFC 7518 §3.4: r and s side by side)

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
  /** 1 for the first key of a role; each `rotateKey` counts on. */
  readonly generation: number;
  readonly retiredAt: Date | undefined;
  /** The certificate that binds this key, DER, once there is one: it says what the key may sign. */
  readonly certificate: Uint8Array | undefined;
};

export type KeyRole = {
  readonly purpose: KeyPurpose;
  readonly algorithm: KeyAlgorithm;
  readonly organization: string;
  readonly enterprise?: string;
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

export type JournalRecord =
  /** The order to sign: durable before a key touches the bytes. What has no such line was never signed. */
  | {
      readonly type: 'signature';
      readonly key: string;
      readonly kind: SignatureKind;
      /** SHA-256 of the bytes to be signed. */
      readonly digest: Uint8Array;
      /** The bytes themselves (TBS), for certificates: enough to revoke and to rebuild a lost row. */
      readonly signed: Uint8Array | undefined;
    }
  /** What came of the order at line `of`. An order without this line was abandoned, or a power cut took the line. */
  | { readonly type: 'signed'; readonly of: bigint; readonly signature: Uint8Array }
  /** OCSP answers and tokens state what is, they grant nothing: counted, not listed. */
  | { readonly type: 'statements'; readonly key: string; readonly kind: 'ocsp' | 'token'; readonly count: number }
  | ({ readonly type: 'revocation' } & RevocationRecord)
  | {
      readonly type: 'key';
      readonly key: string;
      /** `found`: it was there before the journal, which took the place of one that is lost. */
      readonly event: 'created' | 'bound' | 'rotated' | 'retired' | 'found';
      /** SHA-256 of the public key, or, when `bound`, of the certificate. */
      readonly digest: Uint8Array;
    };

/** One line of the journal. `hash` covers the line and `previous`, so that no line can be changed, dropped or moved. */
export type JournalEntry = {
  readonly sequence: bigint;
  readonly previous: Uint8Array;
  readonly hash: Uint8Array;
  readonly at: Date;
  readonly record: JournalRecord;
};

/**
 * The only thing that uses private keys. Lives in a process of its own; what talks to it never sees key bytes.
 * Rejects with an AuthorityError: SIGNER_REFUSED (purpose, tenant or form: do not ask again), SIGNER_UNAVAILABLE
 * (gone or slow: ask again later, and the journal knows what became of the request), JOURNAL_FULL (nothing was signed).
 */
export interface Signer {
  keys(): Promise<readonly KeyDescription[]>;
  createKey(role: KeyRole): Promise<KeyDescription>;
  /**
   * Hands the key its certificate: from then on the signer holds what the key signs to what this certificate says
   * (issuer name, path length, end, claims). Refused unless it is for this key, fits its purpose and tenant, and is
   * signed by `issuer`, or by itself when that is left out. Until then the key signs only requests about itself, and a
   * root key its own certificate.
   */
  bindCertificate(key: string, certificate: Uint8Array, issuer?: Uint8Array): Promise<void>;
  /** A new key for the same role, one generation on. The old one goes on signing until it is retired. */
  rotateKey(id: string): Promise<KeyDescription>;
  /** The key never signs again. */
  retireKey(id: string): Promise<void>;
  /**
   * One signature per request, in order, all or none. Certificates, requests, CRLs and manifests are in the fsync'd
   * journal before a key touches them: one fsync for the whole batch. OCSP answers and tokens are statements of status,
   * not grants: they are counted in the journal in bulk and not waited for.
   */
  sign(requests: readonly SignRequest[]): Promise<readonly Uint8Array[]>;
  /** Durable in the journal when it resolves. Also of keys that are not here: one that was lost must not keep its certificates good. */
  recordRevocations(records: readonly RevocationRecord[]): Promise<void>;
  journalHead(): Promise<{ readonly sequence: bigint; readonly hash: Uint8Array }>;
  /** Entries after `sequence`, in order. */
  journalAfter(sequence: bigint, limit: number): Promise<readonly JournalEntry[]>;
  ping(): Promise<void>;
  close(): Promise<void>;
}
