import { addressesOf, AuthorityError, type KeyAlgorithm, type KeyDescription, type Signer } from '@licet/authority';
import type { Certificate, Claims } from '@licet/format';
import { LicetError } from '../licensing/errors.ts';
import type { DelegatedContract } from '../licensing/ports/delegation.ts';
import type { IssuerObstacle } from '../licensing/ports/issuance.ts';
import { endOf } from './authority-ends.ts';
import type { Opened } from './directory.ts';
import {
  beyond,
  certifyEnterprise,
  checkEnterprise,
  commonNameFor,
  type Customer,
  type EnterpriseCertificateDeps,
  isStillGood,
  organizationCa,
  parentFor,
  saysContract,
  stillCounts,
} from './enterprise-certificate.ts';
import type { Authority } from './ports/authorities.ts';

export type EnterprisesDeps = EnterpriseCertificateDeps & {
  readonly signer: Signer;
  readonly publish: { readonly base: string; readonly shards: number };
  readonly algorithm: KeyAlgorithm;
};

/**
 * The CAs that sign the licenses of enterprises: one for each contract, saying what the contract says. Where this server
 * belongs to an enterprise whose CA another server certified, that one serves all contracts here.
 */
export class Enterprises {
  readonly #deps: EnterprisesDeps;
  readonly #underWay = new Map<string, Promise<Opened>>();

  constructor(deps: EnterprisesDeps) {
    this.#deps = deps;
  }

  /**
   * The CA of a contract, made or certified anew when it does not say what the contract says, comes to its end, or the
   * organization's CA was followed by another. Its key stays, so the licenses below it stay valid and are worth what the
   * new certificate allows.
   */
  async ensure(customer: Customer, contract: Claims): Promise<Opened> {
    const found = await this.#deps.directory.active(roleOf(customer, contract));
    if (found !== undefined && (isOwn(found) || (await this.#isGood(found, contract)))) return found;
    const made = await this.#alone(customer, contract, () => this.#renew(customer, contract));
    return saysContract(made, contract) ? made : this.ensure(customer, contract);
  }

  /**
   * When the contract was lowered or the certificate of its CA revoked as superseded, where it has a CA already: one that
   * says what the contract says takes its place at once. More is granted with the next license.
   */
  async follow(customer: Customer, contract: Claims): Promise<void> {
    const role = roleOf(customer, contract);
    await this.#deps.directory.refresh();
    const found = await this.#deps.directory.active(role);
    if (found === undefined || isOwn(found) || !found.authority.held) return;
    if (!(await stillCounts(this.#deps, found))) {
      const parent = await parentFor(this.#deps, customer.organization, contract);
      await this.#alone(customer, contract, () => this.#certifyAgain(found, parent, contract));
    }
    await this.ensure(customer, contract);
  }

  /** Throws where the CA of a contract, whoever keeps it, could not be certified to say this. */
  async check(customer: Customer, contract: Claims): Promise<void> {
    const { directory, widen } = this.#deps;
    const found = await directory.active(roleOf(customer, contract));
    const { organization } = customer;
    const role = { organization, kind: 'organization', enterprise: undefined, contract: undefined } as const;
    const above = await directory.active(role);
    if (found === undefined || isOwn(found) || above === undefined || widen !== undefined) return;
    const points = beyond(above, contract).map(({ claim, detail }) => `${claim}: ${detail}`);
    if (points.length === 0) return;
    const message = `The CA of "${organization}" may not grant this: ${points.join('; ')}. Have it certified for it first.`;
    throw new LicetError('conflict', 'CLAIMS_ABOVE_PARENT', message, { pointer: '/terms' });
  }

  /** Why no license of a contract would be given now: what `ensure` would throw, and the signing below its CA. */
  async obstacles(
    { contract, ...customer }: DelegatedContract,
    site: Claims = contract,
  ): Promise<readonly IssuerObstacle[]> {
    const { directory, clock, widen } = this.#deps;
    const found = await directory.active(roleOf(customer, contract));
    if (found?.authority.held === false) return [obstacleOf(keptElsewhere(found.authority))];
    if (found !== undefined && isOwn(found)) return limitsOf(found, site, clock.now());
    try {
      const above = await organizationCa(directory, customer.organization);
      return limitsOf(above, widen === undefined ? contract : undefined, clock.now());
    } catch (error) {
      if (error instanceof LicetError) return [obstacleOf(error)];
      throw error;
    }
  }

  /** One at a time for each contract; who comes meanwhile gets what is being made. */
  async #alone({ organization }: Customer, { id }: Claims, make: () => Promise<Opened>): Promise<Opened> {
    const name = `${organization}/${id}`;
    let running = this.#underWay.get(name);
    if (running === undefined) {
      running = make().finally(() => this.#underWay.delete(name));
      this.#underWay.set(name, running);
    }
    return running;
  }

  async #isGood(found: Opened, contract: Claims): Promise<boolean> {
    if (!found.authority.held) throw keptElsewhere(found.authority);
    return isStillGood(this.#deps, found, contract);
  }

  async #renew(customer: Customer, contract: Claims): Promise<Opened> {
    const { directory, signer } = this.#deps;
    const role = roleOf(customer, contract);
    await directory.refresh();
    const found = await directory.active(role);
    if (found !== undefined && (await this.#isGood(found, contract))) return found;
    const parent = await parentFor(this.#deps, customer.organization, contract);
    const { organization, enterprise } = customer;
    if (found !== undefined) return this.#certifyAgain(found, parent, contract);
    checkEnterprise(this.#deps, { customer, contract, parent });
    const key = await signer.createKey({
      purpose: 'enterprise',
      algorithm: this.#deps.algorithm,
      organization,
      enterprise,
    });
    const certificate = await this.#certify(key, parent, customer, contract);
    const authority = this.#authority(key, certificate, parent, contract);
    try {
      await directory.save(authority);
    } catch (error) {
      // Another process was first: its CA is in office, and this key never gets to sign.
      if (!(error instanceof LicetError && error.code === 'AUTHORITY_EXISTS')) throw error;
      await signer.retireKey(key.id);
    }
    return this.#inOffice(role);
  }

  async #certifyAgain({ authority, generation }: Opened, parent: Opened, contract: Claims): Promise<Opened> {
    const { directory, signer } = this.#deps;
    const key = (await signer.keys()).find(({ id }) => id === authority.key);
    if (key === undefined) throw new AuthorityError('KEY_UNKNOWN', `The signer does not hold key ${authority.key}.`);
    const { organization, enterprise = '' } = authority;
    const customer = { organization, enterprise };
    const certificate = await this.#certify(key, parent, customer, contract, generation.chain[0]);
    await directory.save({ ...authority, certificate: certificate.der, parent: parent.authority.key });
    return this.#inOffice(roleOf(customer, contract));
  }

  async #certify(
    key: KeyDescription,
    parent: Opened,
    customer: Customer,
    contract: Claims,
    after?: Certificate,
  ): Promise<Certificate> {
    const certificate = await certifyEnterprise(this.#deps, {
      customer,
      contract,
      parent,
      key: { held: key },
      keyOwner: `authority ${key.id}`,
      commonName: after === undefined ? commonNameFor(customer, contract) : commonNameIn(after),
      after,
    });
    await this.#deps.signer.bindCertificate(key.id, certificate.der, parent.authority.certificate);
    return certificate;
  }

  #authority(key: KeyDescription, certificate: Certificate, parent: Opened, { id }: Claims): Authority {
    const { base, shards } = this.#deps.publish;
    const keyIdentifier = certificate.extensions.subjectKeyIdentifier!;
    return {
      key: key.id,
      organization: key.organization,
      kind: 'enterprise',
      enterprise: key.enterprise,
      contract: id,
      algorithm: key.algorithm,
      parent: parent.authority.key,
      held: true,
      keyIdentifier,
      certificate: certificate.der,
      addresses: addressesOf(base, keyIdentifier, shards),
      status: 'active',
      createdAt: this.#deps.clock.now(),
    };
  }

  async #inOffice(role: ReturnType<typeof roleOf>): Promise<Opened> {
    const found = await this.#deps.directory.active(role);
    if (found === undefined)
      throw new LicetError('unavailable', 'AUTHORITY_MISSING', 'The CA was taken out of office.');
    return found;
  }
}

/** Nothing `asked`: what it may grant can be changed here. */
function limitsOf(by: Opened, asked: Claims | undefined, now: Date): readonly IssuerObstacle[] {
  const end = endOf(by.generation);
  if (end < now) {
    const detail = `The CA above ended at ${end.toISOString()}: another has to take its place first.`;
    return [{ code: 'ISSUER_ENDED', claim: 'issuer', detail }];
  }
  const points = asked === undefined ? [] : beyond(by, asked);
  return points.map(({ claim, detail }) => ({ code: 'CLAIMS_ABOVE_PARENT', claim, detail }));
}

const obstacleOf = ({ code, message }: LicetError): IssuerObstacle => ({ code, claim: 'issuer', detail: message });

function roleOf({ organization, enterprise }: Customer, { id }: Claims) {
  return { organization, kind: 'enterprise', enterprise, contract: id } as const;
}

/** Certified by another server, and so by its contract: whatever is above that is refused when a license is prepared. */
const isOwn = ({ authority: { held, contract } }: Opened): boolean => held && contract === undefined;

/** The name stays with the key: what was signed under it names its issuer so. */
const commonNameIn = ({ subject }: Certificate): string => subject.rdns.flat().at(-1)?.value ?? '';

const keptElsewhere = ({ enterprise = '' }: Authority): LicetError =>
  new LicetError(
    'conflict',
    'AUTHORITY_DELEGATED',
    `The enterprise "${enterprise}" keeps the key of this contract's CA itself: its sites get their licenses from its own server.`,
  );
