import {
  addressesOf,
  type Issuer,
  type KeyAlgorithm,
  type KeyDescription,
  loadProfiles,
  type Signer,
} from '@licet/authority';
import {
  type Certificate,
  type Claims,
  decodeCertificate,
  decodeClaims,
  encodeClaims,
  equalBytes,
  excess,
  OID,
} from '@licet/format';
import { LicetError } from '../licensing/errors.ts';
import type { Clock } from '../licensing/ports/clock.ts';
import type { Directory, Opened } from './directory.ts';
import type { Authority } from './ports/authorities.ts';

export type EnterprisesDeps = {
  readonly directory: Directory;
  readonly issuer: Issuer;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly publish: { readonly base: string; readonly shards: number };
  readonly algorithm: KeyAlgorithm;
  /** Revokes a CA certificate whose rights were cut: whoever shows it again must not get them back. */
  readonly supersede: (certificate: { issuer: string; serial: Uint8Array }, organization: string) => Promise<void>;
  /** Gives the organization's CA the rights that it lacks, where that can be done here and now: in an evaluation. */
  readonly widen?: (organization: Opened, claims: Claims) => Promise<Opened>;
};

export type Customer = { readonly organization: string; readonly enterprise: string };

const PROFILE = loadProfiles().enterprise;

/** The CAs of the enterprises that live in our signer: one for each contract, saying what the contract says. */
export class Enterprises {
  readonly #deps: EnterprisesDeps;
  readonly #underWay = new Map<string, Promise<Opened>>();

  constructor(deps: EnterprisesDeps) {
    this.#deps = deps;
  }

  /**
   * The CA of a contract, made or certified anew when it does not say what the contract says. Its key stays, so the
   * licenses below it stay valid and are worth what the new certificate allows.
   */
  async ensure(customer: Customer, contract: Claims): Promise<Opened> {
    const found = await this.#deps.directory.active(roleOf(customer, contract));
    if (found !== undefined && says(found, contract)) return found;
    const id = `${customer.organization}/${contract.id}`;
    let running = this.#underWay.get(id);
    if (running === undefined) {
      running = this.#renew(customer, contract).finally(() => this.#underWay.delete(id));
      this.#underWay.set(id, running);
    }
    const made = await running;
    return says(made, contract) ? made : this.ensure(customer, contract);
  }

  async #renew(customer: Customer, contract: Claims): Promise<Opened> {
    const { directory, signer } = this.#deps;
    const role = roleOf(customer, contract);
    await directory.refresh();
    const found = await directory.active(role);
    if (found !== undefined && claimsOf(found).sequence >= contract.sequence) return found;
    const parent = await this.#parentFor(customer.organization, contract);
    const { organization, enterprise } = customer;
    if (found !== undefined) return this.#certifyAgain(found, parent, contract);
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
    const { directory, signer, supersede } = this.#deps;
    const key = (await signer.keys()).find(({ id }) => id === authority.key);
    if (key === undefined) {
      throw new LicetError('unavailable', 'KEY_UNKNOWN', `The key of the CA of "${authority.enterprise}" is not here.`);
    }
    const { organization, enterprise = '' } = authority;
    const certificate = await this.#certify(key, parent, { organization, enterprise }, contract);
    await directory.save({ ...authority, certificate: certificate.der, parent: parent.authority.key });
    const old = generation.chain[0]!;
    const wasMore = excess(contract, claimsIn(old)).length > 0;
    if (wasMore && authority.parent !== undefined) {
      await supersede({ issuer: authority.parent, serial: old.serial }, organization);
    }
    return this.#inOffice(roleOf({ organization, enterprise }, contract));
  }

  async #certify(
    key: KeyDescription,
    parent: Opened,
    { organization, enterprise }: Customer,
    contract: Claims,
  ): Promise<Certificate> {
    const { issuer, signer } = this.#deps;
    const { certificate } = await issuer.issue({
      profile: PROFILE,
      issuer: parent.generation,
      key: { held: key },
      subject: { organization, enterprise, commonName: `${enterprise} License CA ${contract.id.slice(0, 8)}` },
      claims: contract,
      // The same step asked for again gives the same certificate.
      principal: `authority ${key.id} contract ${contract.sequence} below ${parent.authority.key}`,
      keyOwner: `authority ${key.id}`,
      context: { principal: 'system:authority', contract: contract.id },
    });
    await signer.bindCertificate(key.id, certificate, parent.authority.certificate);
    return decodeCertificate(certificate);
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

  async #parentFor(organization: string, contract: Claims): Promise<Opened> {
    const { directory, widen } = this.#deps;
    const parent = await directory.active({
      organization,
      kind: 'organization',
      enterprise: undefined,
      contract: undefined,
    });
    if (parent === undefined) {
      throw new LicetError(
        'unavailable',
        'AUTHORITY_MISSING',
        `The organization "${organization}" has no CA yet: make one by the ceremony, and import it with "licet authority import".`,
        { retryAfterSeconds: 60 },
      );
    }
    const isAbove = parent.generation.claims !== undefined && excess(parent.generation.claims, contract).length > 0;
    return isAbove && widen !== undefined ? widen(parent, contract) : parent;
  }

  async #inOffice(role: ReturnType<typeof roleOf>): Promise<Opened> {
    const found = await this.#deps.directory.active(role);
    if (found === undefined)
      throw new LicetError('unavailable', 'AUTHORITY_MISSING', 'The CA was taken out of office.');
    return found;
  }
}

function roleOf({ organization, enterprise }: Customer, { id }: Claims) {
  return { organization, kind: 'enterprise', enterprise, contract: id } as const;
}

const says = (opened: Opened, contract: Claims): boolean =>
  equalBytes(encodeClaims(claimsOf(opened)), encodeClaims(contract)) || claimsOf(opened).sequence > contract.sequence;

const claimsOf = ({ generation }: Opened): Claims => claimsIn(generation.chain[0]!);

function claimsIn({ extensions }: Certificate): Claims {
  const found = extensions.all.find(({ oid }) => oid === OID.licenseClaims);
  if (found === undefined) throw new Error('The certificate of an enterprise has no claims.');
  return decodeClaims(found.value);
}
