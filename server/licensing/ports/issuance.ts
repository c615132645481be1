import type { Claims, Mode } from '@licet/format';
import type { DelegatedContract, Delegation } from './delegation.ts';
import type { Transaction } from './transactions.ts';

/**
 * A license that the domain has decided to give: everything that the authority needs, so that it looks up nothing. The
 * domain's rows (license, lineage, site) are written by the authority's store in the transaction that commits the
 * certificate: see `createIssuedRecorder`.
 */
export type LicenseOrder = {
  readonly organization: string;
  /** Short names, as they stand in the certificate. */
  readonly enterprise: string;
  readonly site: string;
  readonly claims: Claims;
  /** What the enterprise bought, as its CA certificate must say; `claims` are within it. */
  readonly contract: Claims;
  readonly key: LicenseKey;
  /** Not a second longer than this; without it as long as the profile says. Builds in CI get hours. */
  readonly until?: Date;
  /**
   * What makes it the same request: with an unchanged CSR it has one certificate, however often it is asked for. Names
   * the ground on which it is given, e.g. the predecessor.
   */
  readonly ground: string;
  readonly facts: LicenseFacts;
};

export type LicenseKey =
  /** DER of a PKCS#10 request, proving possession. */
  | { readonly csr: Uint8Array }
  /** The key of this license again, whose holder has proven to have it when that was issued. */
  | { readonly licensed: string };

/** What travels with the certificate through the authority into `createIssuedRecorder`; as strings, see `licenseContext`. */
export type LicenseFacts = {
  /** The ids of the rows that it belongs to. */
  readonly enterprise: string;
  readonly contract: string;
  readonly site: string;
  readonly lineage: string;
  readonly sequence: number;
  readonly mode: Mode;
  readonly predecessor: string | undefined;
  /**
   * `first`: a lineage has one. `build`: one of many beside each other, of a site that stands for builds. `reissue`: it takes
   * the place of its predecessor, by a change of the site. `branch`: beside a successor.
   */
  readonly kind: 'first' | 'build' | 'renewal' | 'reissue' | 'branch';
  /** The id of who asks. */
  readonly principal: string;
};

export type IssuedLicense = {
  /** Lower-case hexadecimal. */
  readonly serial: string;
  /** DER of the license, then of each CA above it, what vouches for the root before the root, and that last. */
  readonly chain: readonly Uint8Array[];
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** `false`: the same request was answered before, and this is that answer. */
  readonly fresh: boolean;
};

/** Of all organizations, by the serial in lower-case hexadecimal. */
export type LicenseName = { readonly organization: string; readonly serial: string };

/** With the chain of today; undefined when there is no such license. To be called when the transaction is over. */
export type FoundLicense = () => Promise<IssuedLicense | undefined>;

export type IssuerObstacle = { readonly code: string; readonly claim: string; readonly detail: string };

export interface Issuance {
  /**
   * Durable when it resolves. Makes sure that the enterprise has a CA whose certificate says what `contract` says.
   * Rejects with a LicetError: one that carries `retryAfterSeconds` may pass, and the same order may be given again;
   * any other is final for this request. Orders that arrive together are recorded, signed and committed together.
   */
  issue(order: LicenseOrder): Promise<IssuedLicense>;
  /**
   * Rejects with what `issue` would refuse a first request for, by itself or by its key, as far as that can be known before.
   * `lineage`: that it is for, if it is there already. Writes nothing and signs nothing.
   */
  checkRequest(tx: Transaction, csr: Uint8Array, lineage?: string): Promise<void>;
  /** What was issued under this serial, with its chain; undefined when there is no such license. */
  find(organization: string, serial: string): Promise<IssuedLicense | undefined>;
  /** The same for several, in the look of a transaction that asks for more about them. */
  look(tx: Transaction, names: readonly LicenseName[]): Promise<readonly FoundLicense[]>;
  /**
   * Rejects with CLAIMS_ABOVE_PARENT where a contract has a CA below one of this server which could not be certified to
   * say this.
   */
  checkContract(of: DelegatedContract): Promise<void>;
  /**
   * Why the CA that signs for a contract, or would, gives no license of it now. Where that CA serves all contracts of an
   * enterprise it is measured by what the site would get; without a site, by all that was bought.
   */
  obstacles(of: DelegatedContract, site?: Claims): Promise<readonly IssuerObstacle[]>;
  /** For enterprises that sign the licenses of their sites themselves. */
  readonly delegation: Delegation;
}

/** The facts as the authority keeps them beside a certificate and in its audit entry. */
export function licenseContext(facts: LicenseFacts): Readonly<Record<string, string>> {
  const { principal, enterprise, contract, site, lineage, sequence, mode, predecessor, kind } = facts;
  return {
    principal,
    enterpriseId: enterprise,
    contract,
    site,
    lineage,
    sequence: String(sequence),
    mode,
    kind,
    ...(predecessor !== undefined && { predecessor }),
  };
}
