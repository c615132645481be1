import { type CertificateId, type Issuer, type IssueRequest, loadProfiles } from '@licet/authority';
import {
  type Certificate,
  type Claims,
  decodeCertificate,
  decodeClaims,
  encodeClaims,
  equalBytes,
  type Excess,
  excess,
  OID,
} from '@licet/format';
import { LicetError } from '../licensing/errors.ts';
import type { Clock } from '../licensing/ports/clock.ts';
import type { Transactions } from '../licensing/ports/transactions.ts';
import type { Directory, Opened } from './directory.ts';
import type { CertificateFinder, FoundCertificate, Tenant } from './ports/certificates.ts';

export type Customer = { readonly organization: string; readonly enterprise: string };

export type EnterpriseCertificateDeps = {
  readonly directory: Directory;
  readonly issuer: Issuer;
  readonly clock: Clock;
  readonly transactions: Transactions;
  readonly certificates: CertificateFinder;
  /** Gives the organization's CA the rights that it lacks, where that can be done here and now: in an evaluation. */
  readonly widen?: (organization: Opened, claims: Claims) => Promise<Opened>;
};

export type EnterpriseOrder = {
  readonly customer: Customer;
  readonly contract: Claims;
  readonly parent: Opened;
  readonly key: IssueRequest['key'];
  /** Names the key for ever: it may be certified for nobody else. */
  readonly keyOwner: string;
  readonly commonName: string;
  /** The certificate that this one follows. */
  readonly after: Certificate | undefined;
  /** The enterprise keeps the key itself. */
  readonly isDelegated?: boolean;
};

const PROFILE = loadProfiles().enterprise;

/** The certificate of the CA of an enterprise, below its organization, saying what a contract says. */
export async function certifyEnterprise(
  { issuer }: Pick<EnterpriseCertificateDeps, 'issuer'>,
  order: EnterpriseOrder,
): Promise<Certificate> {
  return decodeCertificate((await issuer.issue(requestFor(order))).certificate);
}

/**
 * Throws what would be refused whatever the key is. Before one is made: it would stay behind at each refusal, and a
 * cloud bills for every key. The parent's stands in for it.
 */
export function checkEnterprise(
  { issuer }: Pick<EnterpriseCertificateDeps, 'issuer'>,
  order: Pick<EnterpriseOrder, 'customer' | 'contract' | 'parent'>,
): void {
  const { customer, contract, parent } = order;
  const key = { held: { publicKey: parent.generation.chain[0]!.publicKey.raw } };
  const commonName = commonNameFor(customer, contract);
  issuer.check(requestFor({ ...order, key, keyOwner: 'nobody', commonName, after: undefined }));
}

function requestFor(order: EnterpriseOrder): IssueRequest {
  const { customer, contract, parent, key, keyOwner, commonName, after, isDelegated = false } = order;
  const step = [contract.id, contract.sequence, 'below', parent.authority.key, 'after', serialOf(after)].join(' ');
  return {
    profile: PROFILE,
    issuer: parent.generation,
    key,
    subject: { ...customer, commonName },
    claims: contract,
    // The same step asked for again gives the same certificate.
    principal: `${keyOwner} contract ${step}`,
    keyOwner,
    context: { principal: 'system:authority', contract: contract.id, ...(isDelegated && { delegated: 'yes' }) },
  };
}

const serialOf = (certificate: Certificate | undefined): string =>
  certificate === undefined ? 'none' : Buffer.from(certificate.serial).toString('hex');

export const commonNameFor = ({ enterprise }: Customer, { id }: Claims): string =>
  `${enterprise} License CA ${id.slice(0, 8)}`;

/** The CA of the organization that signs new certificates, able to grant the contract where that can be had here. */
export async function parentFor(
  { directory, widen }: Pick<EnterpriseCertificateDeps, 'directory' | 'widen'>,
  organization: string,
  contract: Claims,
): Promise<Opened> {
  const parent = await organizationCa(directory, organization);
  return widen !== undefined && beyond(parent, contract).length > 0 ? widen(parent, contract) : parent;
}

/** What is asked for beyond what a CA may grant. */
export const beyond = ({ generation: { claims } }: Opened, asked: Claims): readonly Excess[] =>
  claims === undefined ? [] : excess(claims, asked);

/** Throws where there is none in office that signs here. */
export async function organizationCa(directory: Directory, organization: string): Promise<Opened> {
  const role = { organization, kind: 'organization', enterprise: undefined, contract: undefined } as const;
  const parent = await directory.active(role);
  if (parent === undefined) {
    throw new LicetError(
      'unavailable',
      'AUTHORITY_MISSING',
      `The organization "${organization}" has no CA yet: make one by the ceremony, and import it with "licet authority import".`,
      { retryAfterSeconds: 60 },
    );
  }
  if (!parent.authority.held) {
    const message = `The CA of "${organization}" is on another server: have the CA of this enterprise certified there, and import it.`;
    throw new LicetError('conflict', 'AUTHORITY_MISSING', message);
  }
  return parent;
}

/** A CA is certified anew when so much of its life is over: then its licenses still get their whole life. */
export const RENEW_AFTER = 2 / 3;

/**
 * Whether the certificate of a CA says what its contract says, stands below the organization's CA in office, and is not
 * near its end, unless a new one would end no later.
 */
export async function isStillGood(
  { directory, clock }: Pick<EnterpriseCertificateDeps, 'directory' | 'clock'>,
  { authority, generation }: Opened,
  contract: Claims,
): Promise<boolean> {
  if (!saysContract({ generation }, contract)) return false;
  const { organization } = authority;
  const parent = await directory.active({
    organization,
    kind: 'organization',
    enterprise: undefined,
    contract: undefined,
  });
  if (parent === undefined) return true;
  if (parent.authority.key !== authority.parent) return false;
  const { notBefore, notAfter } = generation.chain[0]!;
  const most = Math.min(parent.generation.chain[0]!.notAfter.getTime(), contract.term.to.getTime() - 1000);
  const due = notBefore.getTime() + (notAfter.getTime() - notBefore.getTime()) * RENEW_AFTER;
  return clock.now().getTime() < due || notAfter.getTime() >= most;
}

/**
 * Of the CA certificates of an enterprise those for this contract that say more than it does, however old: each would go
 * on granting what was taken away to whoever kept it.
 */
export function sayingMore(contract: Claims, found: readonly FoundCertificate[]): readonly CertificateId[] {
  return found.flatMap(({ issuer, certificate }) => {
    const own = decodeCertificate(certificate);
    const claims = claimsIn(own);
    return claims.id === contract.id && excess(contract, claims).length > 0 ? [{ issuer, serial: own.serial }] : [];
  });
}

export type OfKey = { readonly issuer: string; readonly certificate: Certificate };

type Finding = Pick<EnterpriseCertificateDeps, 'transactions' | 'certificates' | 'clock'>;

/** The certificates that were issued here for the key of a CA and still count. */
export async function ofKey(
  { transactions, certificates, clock }: Finding,
  tenant: Tenant,
  { publicKey }: Certificate,
): Promise<readonly OfKey[]> {
  const found = await transactions.run(
    { organization: tenant.organization },
    (tx) => certificates.authorities(tx, tenant, clock.now()),
    { readOnly: true },
  );
  return found.map(read).filter(({ certificate }) => equalBytes(certificate.publicKey.raw, publicKey.raw));
}

const read = ({ issuer, certificate }: FoundCertificate): OfKey => ({
  issuer,
  certificate: decodeCertificate(certificate),
});

/** Whether the certificate that a CA has in office is not revoked for good. */
export async function stillCounts(deps: Finding, { authority, generation }: Opened): Promise<boolean> {
  const found = await ofKey(deps, authority, generation.chain[0]!);
  return found.some(({ certificate }) => equalBytes(certificate.der, authority.certificate));
}

/** Or something newer: of two processes one may not know the latest change yet. */
export function saysContract({ generation }: Pick<Opened, 'generation'>, contract: Claims): boolean {
  const own = claimsExtensionOf(generation.chain[0]!);
  // The claims have one encoding, and with each license this is asked anew: the bytes tell as much as the values.
  return equalBytes(own, encodeClaims(contract)) || decodeClaims(own).sequence > contract.sequence;
}

/** Says what a later version of the contract said. */
export const isLater = (certificate: Certificate, contract: Claims): boolean =>
  claimsIn(certificate).sequence > contract.sequence;

const claimsIn = (certificate: Pick<Certificate, 'extensions'>): Claims => decodeClaims(claimsExtensionOf(certificate));

function claimsExtensionOf({ extensions }: Pick<Certificate, 'extensions'>): Uint8Array {
  const found = extensions.all.find(({ oid }) => oid === OID.licenseClaims);
  if (found === undefined) throw new Error('The certificate of an enterprise has no claims.');
  return found.value;
}
