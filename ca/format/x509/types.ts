/**
 * What decoded X.509 objects look like. Everything here is *untrusted*: it says what the bytes say and nothing about
 * who signed them. Only `@licet/verify` turns such values into statements.
 *
 * Byte fields are views into the input, never copies: whoever keeps a value keeps the input alive, and nobody writes
 * to it. (The algorithms that nearly everything names are made once and shared.)
 */

export type Bytes = Uint8Array;

/** AlgorithmIdentifier, RFC 5280 §4.1.1.2. `raw` is its whole DER, so that two can be compared byte for byte. */
export type AlgorithmIdentifier = { readonly oid: string; readonly parameters: Bytes | undefined; readonly raw: Bytes };

/** AttributeTypeAndValue. `value` is the decoded text, or undefined for a value that is no directory string. */
export type NameAttribute = {
  readonly oid: string;
  readonly tag: number;
  readonly value: string | undefined;
  /** The DER of the AttributeValue. */
  readonly raw: Bytes;
};

/** RFC 5280 §4.1.2.4. `raw` is the DER of the whole Name; an empty sequence of RDNs is a legal Name. */
export type Name = { readonly raw: Bytes; readonly rdns: readonly (readonly NameAttribute[])[] };

/**
 * RFC 5280 §4.2.1.6. Text forms are IA5 text exactly as encoded, already refused when not IA5. The value of an other
 * name is the DER inside its [0]; x400 and edi hold their whole element, tag included.
 */
export type GeneralName =
  | { readonly kind: 'other'; readonly oid: string; readonly value: Bytes }
  | { readonly kind: 'email'; readonly value: string }
  | { readonly kind: 'dns'; readonly value: string }
  | { readonly kind: 'x400'; readonly value: Bytes }
  | { readonly kind: 'directory'; readonly name: Name }
  | { readonly kind: 'edi'; readonly value: Bytes }
  | { readonly kind: 'uri'; readonly value: string }
  | { readonly kind: 'ip'; readonly bytes: Bytes }
  | { readonly kind: 'registeredId'; readonly oid: string };

export type GeneralNameKind = GeneralName['kind'];

/** An extension as it stands in the certificate; `value` is the content of extnValue. */
export type RawExtension = { readonly oid: string; readonly critical: boolean; readonly value: Bytes };

export type KeyUsageBit =
  | 'digitalSignature'
  | 'nonRepudiation'
  | 'keyEncipherment'
  | 'dataEncipherment'
  | 'keyAgreement'
  | 'keyCertSign'
  | 'cRLSign'
  | 'encipherOnly'
  | 'decipherOnly';

/** RFC 5280 §4.2.1.10. `ip` subtrees hold address and mask together (8 or 32 bytes). */
export type NameConstraints = { readonly permitted: readonly GeneralName[]; readonly excluded: readonly GeneralName[] };

export type PolicyInformation = {
  readonly oid: string;
  readonly qualifiers: readonly { readonly oid: string; readonly value: Bytes }[];
};

/** RFC 5280 §5.3.1 names, also used by the ReasonFlags of §4.2.1.13. */
export type RevocationReason =
  | 'unspecified'
  | 'keyCompromise'
  | 'cACompromise'
  | 'affiliationChanged'
  | 'superseded'
  | 'cessationOfOperation'
  | 'certificateHold'
  | 'removeFromCRL'
  | 'privilegeWithdrawn'
  | 'aACompromise';

export type DistributionPointName =
  | { readonly kind: 'full'; readonly names: readonly GeneralName[] }
  | { readonly kind: 'relative'; readonly rdn: readonly NameAttribute[] };

export type DistributionPoint = {
  readonly point: DistributionPointName | undefined;
  /** undefined: the point covers all reasons. */
  readonly reasons: ReadonlySet<RevocationReason> | undefined;
  readonly crlIssuer: readonly GeneralName[] | undefined;
};

/** All extensions of RFC 5280 §4.2, decoded; an extension that is absent is undefined. */
export type CertificateExtensions = {
  /** Every extension in the order of the certificate, known or not. */
  readonly all: readonly RawExtension[];
  readonly authorityKeyIdentifier?: {
    readonly keyIdentifier: Bytes | undefined;
    readonly issuer: readonly GeneralName[] | undefined;
    readonly serial: Bytes | undefined;
  };
  readonly subjectKeyIdentifier?: Bytes;
  readonly keyUsage?: ReadonlySet<KeyUsageBit>;
  readonly certificatePolicies?: readonly PolicyInformation[];
  readonly policyMappings?: readonly { readonly issuer: string; readonly subject: string }[];
  readonly subjectAltName?: readonly GeneralName[];
  readonly issuerAltName?: readonly GeneralName[];
  readonly subjectDirectoryAttributes?: Bytes;
  readonly basicConstraints?: { readonly ca: boolean; readonly pathLength: number | undefined };
  readonly nameConstraints?: NameConstraints;
  readonly policyConstraints?: {
    readonly requireExplicitPolicy: number | undefined;
    readonly inhibitPolicyMapping: number | undefined;
  };
  readonly extendedKeyUsage?: readonly string[];
  readonly crlDistributionPoints?: readonly DistributionPoint[];
  readonly inhibitAnyPolicy?: number;
  readonly freshestCrl?: readonly DistributionPoint[];
  readonly authorityInfoAccess?: readonly { readonly method: string; readonly location: GeneralName }[];
  readonly subjectInfoAccess?: readonly { readonly method: string; readonly location: GeneralName }[];
  /** id-pkix-ocsp-nocheck, RFC 6960 §4.2.2.2.1. */
  readonly ocspNoCheck?: true;
};

export type PublicKeyInfo = {
  /** The DER of the SubjectPublicKeyInfo: what a key import takes. */
  readonly raw: Bytes;
  readonly algorithm: AlgorithmIdentifier;
  /** The content of the BIT STRING: what RFC 5280 §4.2.1.2 (1) and the OCSP key hash are computed over. */
  readonly key: Bytes;
};

/** RFC 5280 §4.1. */
export type Certificate = {
  readonly der: Bytes;
  /** The exact bytes that the signature covers. */
  readonly tbs: Bytes;
  readonly version: 1 | 2 | 3;
  /** Content octets of the INTEGER: may start with 0x00; never empty. */
  readonly serial: Bytes;
  readonly issuer: Name;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly subject: Name;
  readonly publicKey: PublicKeyInfo;
  readonly issuerUniqueId: Bytes | undefined;
  readonly subjectUniqueId: Bytes | undefined;
  readonly extensions: CertificateExtensions;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  /** The content of the BIT STRING. ECDSA values are already refused when not canonical (0 < r, s; minimal). */
  readonly signature: Bytes;
};

/** PKCS#10, RFC 2986. */
export type CertificationRequest = {
  readonly der: Bytes;
  readonly info: Bytes;
  readonly subject: Name;
  readonly publicKey: PublicKeyInfo;
  readonly attributes: readonly { readonly oid: string; readonly values: readonly Bytes[] }[];
  /** From the extensionRequest attribute (RFC 2985 §5.4.2), if there is one. */
  readonly requestedExtensions: CertificateExtensions | undefined;
  readonly challengePassword: string | undefined;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Bytes;
};

export type CrlEntry = {
  readonly serial: Bytes;
  readonly revokedAt: Date;
  readonly reason: RevocationReason | undefined;
  readonly invalidityDate: Date | undefined;
  /**
   * RFC 5280 §5.3.3, for indirect CRLs. `entries()` carries it on to the entries that follow, as that section says;
   * undefined is the issuer of the CRL.
   */
  readonly certificateIssuer: readonly GeneralName[] | undefined;
  /** The entry holds a critical extension that we do not know (§5.3: then the CRL must not be used). */
  readonly unknownCritical: boolean;
};

/** RFC 5280 §5.2.5. */
export type IssuingDistributionPoint = {
  readonly point: DistributionPointName | undefined;
  readonly onlyUserCertificates: boolean;
  readonly onlyCaCertificates: boolean;
  readonly onlySomeReasons: ReadonlySet<RevocationReason> | undefined;
  readonly indirect: boolean;
  readonly onlyAttributeCertificates: boolean;
};

/** RFC 5280 §5. Entries are walked, not held: a CRL may have a million of them. */
export type CertificateList = {
  readonly der: Bytes;
  readonly tbs: Bytes;
  readonly version: 1 | 2;
  readonly issuer: Name;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly extensions: {
    readonly all: readonly RawExtension[];
    readonly authorityKeyIdentifier?: CertificateExtensions['authorityKeyIdentifier'];
    readonly issuerAltName?: readonly GeneralName[];
    readonly crlNumber?: bigint;
    readonly deltaCrlIndicator?: bigint;
    readonly issuingDistributionPoint?: IssuingDistributionPoint;
    readonly freshestCrl?: readonly DistributionPoint[];
    readonly authorityInfoAccess?: CertificateExtensions['authorityInfoAccess'];
  };
  readonly entryCount: number;
  /** Of some entry a critical extension is unknown; some entry names the issuer of its certificate (RFC 5280 §5.3, §5.3.3). */
  readonly hasUnknownCritical: boolean;
  readonly hasCertificateIssuer: boolean;
  /** Walks the entries in order. Decoding was already checked, so this never throws. */
  entries(): Iterable<CrlEntry>;
  /** The entry for a serial of the CRL's own issuer; fast also on a million entries. */
  find(serial: Bytes): CrlEntry | undefined;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Bytes;
};

/** RFC 6960 §4.1.1. */
export type CertId = {
  /** The DER of the CertID, to be echoed as it came. */
  readonly raw: Bytes;
  readonly hashAlgorithm: AlgorithmIdentifier;
  readonly issuerNameHash: Bytes;
  readonly issuerKeyHash: Bytes;
  readonly serial: Bytes;
};

export type OcspRequest = {
  readonly der: Bytes;
  readonly requests: readonly CertId[];
  readonly nonce: Bytes | undefined;
  readonly signed: boolean;
};

export type OcspStatus =
  'successful' | 'malformedRequest' | 'internalError' | 'tryLater' | 'sigRequired' | 'unauthorized';

export type CertStatus =
  | { readonly kind: 'good' }
  | { readonly kind: 'unknown' }
  | { readonly kind: 'revoked'; readonly revokedAt: Date; readonly reason: RevocationReason | undefined };

export type SingleResponse = {
  readonly certId: CertId;
  readonly status: CertStatus;
  readonly thisUpdate: Date;
  readonly nextUpdate: Date | undefined;
  readonly extensions: readonly RawExtension[];
};

/** RFC 6960 §4.2.1; `basic` is present exactly when `status` is successful. */
export type OcspResponse = {
  readonly der: Bytes;
  readonly status: OcspStatus;
  readonly basic: BasicOcspResponse | undefined;
};

export type BasicOcspResponse = {
  readonly tbs: Bytes;
  readonly responder: { readonly byName: Name } | { readonly byKey: Bytes };
  readonly producedAt: Date;
  readonly responses: readonly SingleResponse[];
  readonly extensions: readonly RawExtension[];
  readonly nonce: Bytes | undefined;
  readonly signatureAlgorithm: AlgorithmIdentifier;
  readonly signature: Bytes;
  /** DER of the certificates that came along. */
  readonly certificates: readonly Bytes[];
};
