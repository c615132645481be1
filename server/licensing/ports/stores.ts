import type { Mode } from '@licet/format';
import type { Contract } from '../model/contract.ts';
import type { Enterprise } from '../model/enterprise.ts';
import type { Organization } from '../model/organization.ts';
import type { Plan } from '../model/plan.ts';
import type { Catalog, Product } from '../model/product.ts';
import type { MailRecipient, Webhook } from '../model/receiver.ts';
import type { Site } from '../model/site.ts';
import type { Alerts } from './alerts.ts';
import type { Collection } from './collection.ts';
import type { Deliveries } from './deliveries.ts';
import type { EnrolmentTokens } from './enrolment-tokens.ts';
import type { Licenses } from './licenses.ts';
import type { Notices } from './notices.ts';
import type { PersonalData } from './personal-data.ts';
import type { Transaction } from './transactions.ts';
import type { Usage } from './usage.ts';

/** Everything that the licensing domain keeps. */
export type Stores = {
  readonly organizations: Collection<Organization>;
  readonly products: Collection<Product>;
  readonly catalogs: Catalogs;
  readonly plans: Collection<Plan>;
  readonly enterprises: Collection<Enterprise>;
  readonly contracts: Collection<Contract>;
  readonly sites: Collection<Site>;
  readonly seats: Seats;
  readonly licenses: Licenses;
  readonly tokens: EnrolmentTokens;
  readonly usage: Usage;
  readonly alerts: Alerts;
  readonly notices: Notices;
  readonly personalData: PersonalData;
  readonly webhooks: Collection<Webhook>;
  readonly mailRecipients: Collection<MailRecipient>;
  readonly deliveries: Deliveries;
  /** For what is removed and leaves no trace but the audit log. */
  readonly removeReceiver: (tx: Transaction, id: string) => Promise<void>;
};

/** What was for sale, version by version. */
export interface Catalogs {
  add(tx: Transaction, product: Product): Promise<void>;
  get(tx: Transaction, productCode: string, version: number): Promise<Catalog | undefined>;
}

/** What the live sites of a contract take of it. To be asked under the lock of the contract. */
export interface Seats {
  /** Sites that are not retired, without `except`: by mode, and the sums of their shares by limit. */
  used(tx: Transaction, contract: string, except?: string): Promise<SeatsUsed>;
  /** Ends every contract of the enterprise that has not ended. Returns how many. */
  endContracts(tx: Transaction, enterprise: string, at: Date): Promise<number>;
  /** Retires every site of the enterprise and closes its lineage. Returns how many. */
  retireSites(tx: Transaction, enterprise: string, at: Date): Promise<number>;
}

export type SeatsUsed = {
  readonly sites: Readonly<Record<Mode, number>>;
  readonly shares: Readonly<Record<string, number>>;
};
