import type { RevocationRecord } from '@licet/authority';
import type { Mode } from '@licet/format';
import type { Transaction } from '../../licensing/ports/transactions.ts';
import type { FoundCertificate } from './certificates.ts';
import type { SerialNumber } from './journal-marks.ts';

/** A license as its certificate, and nothing else, tells of it. */
export type ToldLicense = {
  readonly organization: string;
  /** Lower-case hexadecimal. */
  readonly serial: string;
  readonly issuer: string;
  readonly contract: string;
  readonly site: string;
  readonly mode: Mode;
  readonly fingerprints: readonly string[];
  readonly shares: Readonly<Record<string, number>>;
  readonly lineage: string;
  /** Of a build or workload: for hours, and never renewed. */
  readonly isBuild: boolean;
  readonly sequence: number;
  /** SHA-256 of the SubjectPublicKeyInfo. */
  readonly publicKey: Uint8Array;
  readonly notBefore: Date;
  readonly notAfter: Date;
  /** In seconds. */
  readonly grace: number;
};

/** `contract`: the contract is forgotten as well. `name`: another site that is alive has the name. */
export type Homeless = 'contract' | 'name';

/** What the domain keeps of licenses, for a domain that has forgotten them. */
export interface LicenseRecords {
  /** Those of the serials that are certificates of licenses and are unknown to the domain. */
  forgotten(tx: Transaction, serials: readonly SerialNumber[]): Promise<readonly FoundCertificate[]>;
  /**
   * The license, the ratchet of its lineage, and the life of its site, if the domain knows the lineage. Of each lineage
   * the older first. False: the lineage is unknown.
   */
  restore(tx: Transaction, license: ToldLicense, at: Date): Promise<boolean>;
  /** Makes the lineage known: of the site that was installed anew with it, or of a new site. */
  adopt(tx: Transaction, license: ToldLicense, site: string, at: Date): Promise<'adopted' | Homeless>;
  /** Withdraws the enrolment tokens that this first license may have come of. Returns their ids. */
  spendTokens(tx: Transaction, license: ToldLicense, at: Date): Promise<readonly string[]>;
  /** Licenses, lineages and sites of these certificates follow what became of them. */
  follow(tx: Transaction, records: readonly RevocationRecord[], at: Date): Promise<void>;
}
