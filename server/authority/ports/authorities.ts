import type { Addresses, KeyAlgorithm } from '@licet/authority';
import type { Transaction } from '../../licensing/ports/transactions.ts';

export type AuthorityKind = 'root' | 'organization' | 'enterprise' | 'service';

/**
 * `active`: signs new certificates. `standby`: certified and told to the agents, waiting to take over. `crl-only`: its
 * certificates are still in use, so it answers for them and signs no new ones. `retired`: its key signs nothing more.
 */
export type AuthorityStatus = 'active' | 'standby' | 'crl-only' | 'retired';

/** One key of an authority, with the certificate that is in force. */
export type Authority = {
  /** The key id in the signer; of a key that is not ours, the key identifier in hex. */
  readonly key: string;
  readonly organization: string;
  readonly kind: AuthorityKind;
  /** The slug. */
  readonly enterprise: string | undefined;
  /** Whose claims the certificate carries. None: an enterprise keeps it below a server of another, for all contracts here. */
  readonly contract: string | undefined;
  readonly algorithm: KeyAlgorithm;
  /** The key of the authority above; none above a root. */
  readonly parent: string | undefined;
  /** Whether our signer holds the key. An offline root and a delegated CA are only known here. */
  readonly held: boolean;
  readonly keyIdentifier: Uint8Array;
  readonly certificate: Uint8Array;
  /** Of a root: the certificates by which other roots vouch for its key, in no order (RFC 4210 §4.4). */
  readonly links?: readonly Uint8Array[];
  /** Of one that was certified elsewhere: what its key was given before. Each counts until it ends or is revoked. */
  readonly former?: readonly Uint8Array[];
  readonly addresses: Addresses;
  readonly status: AuthorityStatus;
  readonly createdAt: Date;
};

/** The same key with another certificate; what is not in the table of certificates is remembered here. */
export const certifiedAnew = (authority: Authority, certificate: Uint8Array): Authority =>
  Buffer.compare(authority.certificate, certificate) === 0
    ? authority
    : { ...authority, certificate, former: [...(authority.former ?? []), authority.certificate] };

/** Which authority is in office. */
export type Role = Pick<Authority, 'organization' | 'kind' | 'enterprise' | 'contract'>;

export type AuthorityQuery = {
  readonly organization?: string;
  readonly kind?: AuthorityKind;
  readonly enterprise?: string;
  readonly parent?: string;
  /** The last key of the page before. */
  readonly after?: string;
  readonly limit: number;
};

export interface Authorities {
  /** Counts every change of any authority: what was read stays true while this stands still. */
  version(tx: Transaction): Promise<bigint>;
  get(tx: Transaction, key: string): Promise<Authority | undefined>;
  byKeyIdentifier(tx: Transaction, keyIdentifier: Uint8Array): Promise<Authority | undefined>;
  /** Of a contract without one of its own, the one that serves all contracts of its enterprise. */
  active(tx: Transaction, role: Role): Promise<Authority | undefined>;
  /** By key. */
  list(tx: Transaction, query: AuthorityQuery): Promise<readonly Authority[]>;
  /**
   * Writes a new authority, or other certificates, addresses, status or links of a known one. Rejects with AUTHORITY_EXISTS
   * when the role has another active authority.
   */
  save(tx: Transaction, authority: Authority): Promise<void>;
}
