import type { KeyDescription, KeyRole } from './signer.ts';

/** `x509`: as certificates, CRLs, OCSP and CMS carry it (ECDSA in DER). `jws`: RFC 7518 §3.4, r and s side by side. */
export type SignatureForm = 'x509' | 'jws';

/** A key that can be used and not be looked at. Answers at once where that is faster than a promise. */
export interface PrivateKey {
  sign(bytes: Uint8Array, form: SignatureForm): Uint8Array | Promise<Uint8Array>;
}

/** Where keys live. One contract suite holds files, PKCS#11 and AWS KMS to it. */
export interface KeyStore {
  list(): Promise<readonly KeyDescription[]>;
  /** Durable when it resolves. */
  create(role: KeyRole, generation: number): Promise<KeyDescription>;
  /** Rejects with KEY_UNKNOWN, KEY_LOCKED, or KEY_CORRUPT when the key is not the one that is described. */
  open(id: string): Promise<PrivateKey>;
  /** Keeps the key's certificate with it. */
  bind(id: string, certificate: Uint8Array): Promise<KeyDescription>;
  /** Marks it as never to be used again. */
  retire(id: string): Promise<KeyDescription>;
  close(): Promise<void>;
}

/** What makes and uses the private halves for a `KeyFolder`, which keeps the descriptions. */
export interface Vault {
  readonly kind: VaultKind;
  /** `describe` gives the description to a public key, the same but for that: the vault binds the private key to it. */
  generate(role: KeyRole, describe: (publicKey: Uint8Array) => KeyDescription): Promise<VaultEntry>;
  open(entry: VaultEntry): Promise<PrivateKey>;
  /** The same key under a changed description (bound, retired). */
  reseal(entry: VaultEntry, description: KeyDescription): Promise<VaultEntry>;
  close(): Promise<void>;
}

export type VaultKind = 'file' | 'pkcs11' | 'aws-kms';

/** What one key file holds. `secret` belongs to the vault: a ciphertext, a label in a token, a name in a cloud. */
export type VaultEntry = {
  readonly description: KeyDescription;
  readonly vault: VaultKind;
  readonly secret: Readonly<Record<string, string>>;
};
