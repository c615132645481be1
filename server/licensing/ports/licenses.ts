import type { Contract } from '../model/contract.ts';
import type { Enterprise } from '../model/enterprise.ts';
import type { License, Lineage } from '../model/license.ts';
import type { Organization, OrganizationSettings } from '../model/organization.ts';
import type { Site } from '../model/site.ts';
import type { Page } from './collection.ts';
import type { LicenseName } from './issuance.ts';
import type { Transaction } from './transactions.ts';

/** Everything that decides about a renewal. */
export type RenewalCase = {
  readonly organization: Pick<Organization, 'status'>;
  readonly settings: OrganizationSettings;
  readonly enterprise: Pick<Enterprise, 'id' | 'slug' | 'status'>;
  readonly contract: Pick<Contract, 'id' | 'version' | 'status' | 'terms' | 'term' | 'endsAt'>;
  readonly site: Pick<Site, 'id' | 'name' | 'mode' | 'status' | 'shares' | 'fingerprints' | 'lineage' | 'trustRule'>;
  readonly lineage: Lineage;
  /** The predecessor, or what it was reissued as. */
  readonly license: License;
  /** Of the predecessor itself. */
  readonly namedStatus: License['status'];
};

export type LicenseQuery = {
  readonly enterprise?: string | undefined;
  readonly contract?: string | undefined;
  readonly site?: string | undefined;
  readonly lineage?: string | undefined;
  readonly status?: License['status'] | undefined;
  readonly mode?: License['mode'] | undefined;
  readonly serial?: string | undefined;
  readonly after?: string | undefined;
  /** By the end of the license. Default: the one that ends first. */
  readonly newestFirst?: boolean;
  readonly limit: number;
};

/** A site whose license two machines have renewed, with the licenses that they may hold. */
export type Fork = {
  readonly site: string;
  readonly name: string;
  readonly enterprise: string;
  readonly lineage: string;
  readonly forkedFrom: string | undefined;
  readonly licenses: readonly License[];
};

/** What decides about a license besides its certificate. */
export type Standing = Pick<License, 'organization' | 'serial' | 'enterprise' | 'site' | 'status'> & {
  readonly lineage: Lineage['status'];
  /** Its site is suspended. */
  readonly held: boolean;
  /** When the last usage report of its site was accepted. */
  readonly reportedAt: Date | undefined;
  readonly onFork: OrganizationSettings['onFork'];
  /** The number of the last change of any revocation: while it stands still, so does the status of every CA. */
  readonly change: string;
};

/** A CA certificate, by the key identifier of who signed it and its serial. */
export type AuthorityName = { readonly issuer: Uint8Array; readonly serial: Uint8Array };

export interface Licenses {
  addLineage(tx: Transaction, lineage: Lineage): Promise<void>;
  lineage(tx: Transaction, id: string): Promise<Lineage | undefined>;
  lockLineage(tx: Transaction, id: string): Promise<Lineage | undefined>;
  /** Those of a site that are not closed: several while it is being installed anew. */
  lockLineages(tx: Transaction, site: string): Promise<readonly Lineage[]>;
  setLineage(tx: Transaction, id: string, change: Pick<Lineage, 'status' | 'held' | 'forkedFrom'>): Promise<void>;
  get(tx: Transaction, serial: string): Promise<License | undefined>;
  /** By serial the key that issued it, of those that are licenses of the organization. One statement. */
  issuers(tx: Transaction, serials: readonly string[]): Promise<ReadonlyMap<string, string>>;
  /** Of these licenses those whose lineage is held. One statement. */
  held(tx: Transaction, serials: readonly string[]): Promise<ReadonlySet<string>>;
  /** Of a lineage, newest first, those that are not over at `at`: one that has expired works on for its grace. */
  notOver(tx: Transaction, lineage: string, at: Date): Promise<readonly License[]>;
  /** When the n-th newest license of a lineage began, of those that had begun by `at`; undefined: there are fewer. */
  nthNewest(tx: Transaction, lineage: string, n: number, at: Date): Promise<Date | undefined>;
  setStatus(tx: Transaction, serials: readonly string[], status: License['status']): Promise<void>;
  /**
   * An operator has decided that this license is the one that counts: it may be renewed again, as if it never was, and its
   * lineage goes on from it, whatever else was issued in that since.
   */
  goOnFrom(tx: Transaction, serial: string): Promise<void>;

  list(tx: Transaction, query: LicenseQuery): Promise<Page<License>>;
  /** With the licenses that are not over at `at`. Two statements. */
  forks(
    tx: Transaction,
    query: { readonly enterprise?: string | undefined; readonly after?: string | undefined; readonly limit: number },
    at: Date,
  ): Promise<Page<Fork>>;
  /** Of each its standing, in order; undefined where the organization has no such license. One statement. */
  standings(tx: Transaction, licenses: readonly LicenseName[]): Promise<readonly (Standing | undefined)[]>;
  /** Those of these that are revoked or on hold. One statement. */
  revokedAuthorities(tx: Transaction, names: readonly AuthorityName[]): Promise<readonly AuthorityName[]>;

  /** Of each license its case, in order; undefined where the organization has no such license. One statement. */
  renewalCases(tx: Transaction, predecessors: readonly LicenseName[]): Promise<readonly (RenewalCase | undefined)[]>;
  /** Nothing came of the request, whose hash this is: another may renew the license. */
  releaseRenewal(tx: Transaction, predecessor: string, request: Uint8Array): Promise<void>;
}
