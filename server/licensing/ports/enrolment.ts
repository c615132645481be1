import type { Bytes, Certificate } from '@licet/format';
import { LicetError } from '../errors.ts';
import type { Principal } from '../model/principal.ts';
import type { RenewalCase } from './licenses.ts';

/** An enterprise as an address names it: `globex.acme`, or `globex` where the server knows one organization only. */
export type EnterpriseLabel = { readonly enterprise: string; readonly organization: string | undefined };

export const unknownLabel = (): LicetError =>
  new LicetError('not-found', 'LABEL_UNKNOWN', 'No enterprise is served under this address; check its label.');

/** Who asks for a first license. */
export type Applicant =
  /** A one-time token as it was sent. It is spent by the transaction that issues: of fifty uses one gets a license. */
  | { readonly kind: 'token'; readonly token: string }
  /** Somebody who may enrol sites: the bearer of an API token. */
  | { readonly kind: 'principal'; readonly principal: Principal };

export type EnrolRequest = {
  readonly applicant: Applicant;
  /** Where the request was sent to; who belongs to another enterprise is refused. */
  readonly label: EnterpriseLabel | undefined;
  /** PKCS#10, DER, not yet looked at. */
  readonly csr: Bytes;
  /** Whether the applicant can ask again with this key; if not, an answer that says `pending` has asked nobody. */
  readonly mayWait: boolean;
};

/** A license whose private key the caller has shown to hold, and whose chain and dates were judged. */
export type PresentedLicense = {
  /** Lower-case hexadecimal. */
  readonly serial: string;
  /** The site as a principal: organization, enterprise, site. */
  readonly principal: Principal;
  readonly certificate: Certificate;
  /** Over, but within its grace: good for a renewal and for nothing else. */
  readonly isExpired: boolean;
  /** What decides about its renewal, if the look that found the license has found that too. */
  readonly renewal?: RenewalCase;
};

export type RenewRequest = {
  readonly predecessor: PresentedLicense;
  readonly label: EnterpriseLabel | undefined;
  readonly csr: Bytes;
};

export type EnrolAnswer =
  | { readonly outcome: 'issued'; readonly certificate: Bytes }
  /** A person has to decide first. The same request, sent again, finds the decision. */
  | { readonly outcome: 'pending'; readonly retryAfterSeconds: number };

/** Licenses for sites, as the protocols of enrolment ask for them. Errors are LicetErrors. */
export interface Enrolment {
  enrol(request: EnrolRequest): Promise<EnrolAnswer>;
  /** The same request for the same predecessor gets the same certificate; another one is a fork. */
  renew(request: RenewRequest): Promise<EnrolAnswer>;
  /**
   * The root and every CA between it and the licenses of the enterprise, DER, the root last; without a label the CAs of
   * all enterprises that the server's one organization has an issuing CA for. Rejects as not-found for a foreign label.
   */
  caCertificates(label: EnterpriseLabel | undefined): Promise<readonly Bytes[]>;
}
