import { createBatcher, type Outcome, outcomeOf } from '@licet/authority';
import { type Bytes, type CertificationRequest, decodeCertificationRequest, type Name, OID } from '@licet/format';
import { authorize } from '../access/authorize.ts';
import { enrol, NAME_FORM } from '../enrolment/enrol.ts';
import { firstLicense } from '../enrolment/first-license.ts';
import { hashToken, organizationOfToken } from '../enrolment/token.ts';
import { found } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { orBusy } from '../licenses/busy.ts';
import type { renewLicense } from '../licenses/renew.ts';
import type { Contract } from '../model/contract.ts';
import type { Enterprise } from '../model/enterprise.ts';
import { SLUG } from '../model/entity.ts';
import type { Principal } from '../model/principal.ts';
import { type EnrolAnswer, type Enrolment, type EnterpriseLabel, unknownLabel } from '../ports/enrolment.ts';
import type { IssuedLicense } from '../ports/issuance.ts';
import type { Transaction } from '../ports/transactions.ts';
import { keyIn } from '../read-csr.ts';
import { createSite } from '../sites/create-site.ts';
import { fingerprintsIn } from '../sites/fingerprints.ts';
import { type Dependencies, reading } from '../use-case.ts';

export type ProtocolDeps = Dependencies & {
  /** The one of this process: renewals that arrive together by whatever way are done together. */
  readonly renew: ReturnType<typeof renewLicense>;
  /** The CAs that stand above the licenses of an enterprise now, DER: its own, then those above, the root last. */
  readonly authorities: (
    organization: string,
    enterprise: { readonly slug: string; readonly contracts: readonly string[] } | undefined,
  ) => Promise<readonly Bytes[]>;
};

/** The use cases of licensing, as the protocols of enrolment ask for them. */
export function createEnrolment(deps: ProtocolDeps): Enrolment {
  const { renew } = deps;
  const certificates = createBatcher<EnterpriseLabel | undefined, readonly Bytes[]>({
    name: 'CA certificates',
    work: (labels) => eachOnce(labels, (label) => caCertificates(deps, label)),
    batch: 256,
    queue: 4096,
    lanes: 4,
  });
  return {
    async enrol({ applicant, label, csr, mayWait }) {
      if (applicant.kind === 'principal') return answer(await enrolAs(deps, applicant.principal, label, csr));
      await checkToken(deps, applicant.token, label);
      return enrolWithToken(deps, { token: applicant.token, csr, mayWait });
    },

    async renew({ predecessor: { principal, serial, certificate, renewal }, label, csr }) {
      // Its short name stands in the license and never changes, so nobody has to be asked.
      assertLabel(label, principal.organization, attributeOf(certificate, OID.organizationalUnitName));
      return answer(await renew(principal, { predecessor: serial, csr }, renewal));
    },

    caCertificates: (label) => orBusy(certificates.submit(label)),
  };
}

async function caCertificates(deps: ProtocolDeps, label: EnterpriseLabel | undefined): Promise<readonly Bytes[]> {
  const organization = label?.organization ?? (await onlyOrganization(deps));
  const enterprise = label && (await withContracts(deps, organization, label.enterprise));
  return deps.authorities(organization, enterprise);
}

/** Sites ask after each renewal, those of an enterprise all for the same: who asks at a time shares one look. */
async function eachOnce<T>(
  labels: readonly (EnterpriseLabel | undefined)[],
  look: (label: EnterpriseLabel | undefined) => Promise<T>,
): Promise<readonly Outcome<T>[]> {
  const outcomes = new Map<string, Outcome<T>>();
  for (const label of labels) {
    const name = JSON.stringify(label);
    if (!outcomes.has(name)) outcomes.set(name, await outcomeOf(look(label)));
  }
  return labels.map((label) => outcomes.get(JSON.stringify(label))!);
}

const answer = ({ chain: [certificate] }: IssuedLicense): EnrolAnswer => ({
  outcome: 'issued',
  certificate: certificate!,
});

async function enrolWithToken(
  deps: Dependencies,
  sent: { readonly token: string; readonly csr: Bytes; readonly mayWait: boolean },
): Promise<EnrolAnswer> {
  const name = siteNameIn(decodeCertificationRequest(sent.csr));
  const fingerprints = fingerprintsIn(sent.csr);
  const asked = { ...sent, ...(name !== undefined && { name }), ...(fingerprints && { fingerprints }) };
  try {
    return answer(await enrol(deps)(asked));
  } catch (error) {
    if (!(error instanceof LicetError) || error.code !== 'ENROLMENT_PENDING') throw error;
    return { outcome: 'pending', retryAfterSeconds: error.retryAfterSeconds ?? 0 };
  }
}

const attributeOf = ({ subject }: { readonly subject: Name }, wanted: string): string | undefined =>
  subject.rdns.flat().find(({ oid }) => oid === wanted)?.value;

/** The common name is how the site wants to be called; one that cannot be a name of a site says nothing. */
function siteNameIn(request: CertificationRequest): string | undefined {
  const name = attributeOf(request, OID.commonName);
  return name !== undefined && SLUG.test(name) ? name : undefined;
}

/** Before the token is used: at the address of another enterprise it is not spent, and of no use. */
async function checkToken(deps: Dependencies, text: string, label: EnterpriseLabel | undefined): Promise<void> {
  const organization = organizationOfToken(text);
  if (organization === undefined || label === undefined) return;
  await deps.transactions.run({ organization }, async (tx) => {
    const token = await deps.stores.tokens.lock(tx, hashToken(text));
    if (token !== undefined) await checkLabel(deps, tx, label, organization, token.enterprise);
  });
}

async function checkLabel(
  { stores }: Dependencies,
  tx: Transaction,
  label: EnterpriseLabel,
  organization: string,
  enterprise: string | undefined,
): Promise<void> {
  const own = enterprise === undefined ? undefined : await stores.enterprises.get(tx, enterprise);
  assertLabel(label, organization, own?.slug);
}

function assertLabel(label: EnterpriseLabel | undefined, organization: string, enterprise: string | undefined): void {
  if (label === undefined) return;
  if (enterprise === label.enterprise && (label.organization ?? organization) === organization) return;
  throw new LicetError(
    'forbidden',
    'ENTERPRISE_MISMATCH',
    'This address is of another enterprise than the token or license; use the address that came with it.',
  );
}

async function enterpriseBySlug({ stores }: Dependencies, tx: Transaction, slug: string): Promise<Enterprise> {
  const { items } = await stores.enterprises.list(tx, { where: { slug }, limit: 1 });
  // By its address and not by an id: who asks has only the address to correct.
  if (items[0] === undefined) throw unknownLabel();
  return items[0];
}

function withContracts(deps: Dependencies, organization: string, label: string) {
  return reading(deps, { organization }, async (tx) => {
    const { id, slug } = await enterpriseBySlug(deps, tx, label);
    // Each contract has a CA of its own. The newest, should there ever be more than these.
    const query = { where: { enterprise: id }, limit: 100, newestFirst: true } as const;
    const { items } = await deps.stores.contracts.list(tx, query);
    return { slug, contracts: items.map((contract) => contract.id) };
  });
}

/** Where an address does not say whose it is. */
async function onlyOrganization({ transactions, stores }: Dependencies): Promise<string> {
  const { items } = await transactions.run('platform', (tx) => stores.organizations.list(tx, { limit: 2 }), {
    readOnly: true,
  });
  const [only, another] = items;
  if (only !== undefined && another === undefined) return only.slug;
  throw new LicetError(
    'not-found',
    'LABEL_NEEDED',
    'Say whose certificates are asked for: put <enterprise>.<organization> into the address.',
  );
}

/**
 * With an API token a site is made and gets its first license in one step: its name is the common name of the request,
 * its contract the only one that the enterprise of the address has in force. The same request again gets the same.
 */
async function enrolAs(
  deps: Dependencies,
  principal: Principal,
  label: EnterpriseLabel | undefined,
  csr: Bytes,
): Promise<IssuedLicense> {
  const request = decodeCertificationRequest(csr);
  const name = siteNameIn(request);
  if (name === undefined) {
    const message = `Put the name of the site into the common name of the request: ${NAME_FORM}.`;
    throw new LicetError('invalid', 'NAME_NEEDED', message);
  }
  const place = await reading(deps, principal, async (tx) => {
    const enterprise = await enterpriseFor(deps, tx, principal, label);
    authorize(principal, 'license.issue', { organization: principal.organization, enterprise: enterprise.id });
    authorize(principal, 'site.create', { organization: principal.organization, enterprise: enterprise.id });
    const contract = await onlyContract(deps, tx, enterprise);
    return { contract, repeated: await issuedBefore(deps, tx, enterprise, name, csr) };
  });
  if (place.repeated !== undefined) {
    return found('license', await deps.issuance.find(principal.organization, place.repeated));
  }
  const { contract } = place;
  const made = await createSite(deps)(principal, { contract: contract.id, name, mode: onlyMode(contract), csr });
  return found('license', made.license);
}

async function enterpriseFor(
  deps: Dependencies,
  tx: Transaction,
  principal: Principal,
  label: EnterpriseLabel | undefined,
): Promise<Enterprise> {
  if (principal.enterprise !== undefined) {
    if (label !== undefined) await checkLabel(deps, tx, label, principal.organization, principal.enterprise);
    return found('enterprise', await deps.stores.enterprises.get(tx, principal.enterprise));
  }
  if (label !== undefined && (label.organization ?? principal.organization) === principal.organization) {
    return enterpriseBySlug(deps, tx, label.enterprise);
  }
  throw new LicetError('invalid', 'LABEL_NEEDED', 'Say for which enterprise: put its label into the address.');
}

async function onlyContract({ stores }: Dependencies, tx: Transaction, enterprise: Enterprise): Promise<Contract> {
  const where = { enterprise: enterprise.id, status: 'active' } as const;
  const [only, another] = (await stores.contracts.list(tx, { where, limit: 2 })).items;
  if (only !== undefined && another === undefined) return only;
  throw new LicetError(
    'conflict',
    'CONTRACT_NOT_CLEAR',
    `The enterprise has ${only === undefined ? 'no contract' : 'several contracts'} in force; enrol with an enrolment token.`,
  );
}

function onlyMode({ terms }: Contract) {
  const modes = Object.keys(terms.siteCaps) as (keyof typeof terms.siteCaps)[];
  return modes.includes('production') ? 'production' : (modes[0] ?? 'production');
}

/** The serial of the license that this very key was given at this site. */
async function issuedBefore(
  deps: Dependencies,
  tx: Transaction,
  enterprise: Enterprise,
  name: string,
  csr: Bytes,
): Promise<string | undefined> {
  const { items } = await deps.stores.sites.list(tx, { where: { enterprise: enterprise.id, name }, limit: 10 });
  const site = items.find(({ status }) => status !== 'retired');
  if (site === undefined) return undefined;
  const given = await firstLicense(deps, tx, { lineage: site.lineage, key: keyIn(csr), at: deps.clock.now() });
  return typeof given === 'string' ? undefined : given.serial;
}
