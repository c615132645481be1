import { randomBytes } from 'node:crypto';
import { addressesOf, createIssuer, createRevoker, IssuerGeneration, loadProfiles } from '@licet/authority';
import { makeCsr, Workshop } from '@licet/authority/workshop';
import { decodeCertificate, encodeClaims, fromHex, MODES, toHex } from '@licet/format';
import { asLicetError, translated } from '../../authority/errors.ts';
import { Fence } from '../../authority/fence.ts';
import { checkFirstRequest, keyOwnerOf } from '../../authority/first-request.ts';
import { createRevocations } from '../../authority/revocations.ts';
import { accessStores } from '../../persistence/access/index.ts';
import { auditLog } from '../../persistence/audit-log.ts';
import { certificateFinder } from '../../persistence/authority/certificate-finder.ts';
import { createCertificateStore } from '../../persistence/authority/certificate-store.ts';
import { createRevocationStore, createRevocationsWithin } from '../../persistence/authority/revocation-store.ts';
import { leases } from '../../persistence/leases.ts';
import { createLicenseFollower } from '../../persistence/licensing/follow-revocations.ts';
import { makeCertificatePartitions } from '../../persistence/authority/partitions.ts';
import { type Database, sql } from '../../persistence/database.ts';
import { takenSteps } from '../../persistence/licensing/taken-steps.ts';
import { createIssuedRecorder } from '../../persistence/licensing/record-issued.ts';
import { stores } from '../../persistence/licensing/stores.ts';
import { outbox } from '../../persistence/outbox.ts';
import { activateContract, createContract } from '../contracts/contracts.ts';
import { createEnterprise } from '../enterprises/enterprises.ts';
import type { Contract } from '../model/contract.ts';
import type { Enterprise } from '../model/enterprise.ts';
import type { Principal } from '../model/principal.ts';
import { createOrganization } from '../organizations/organizations.ts';
import { type IssuedLicense, type IssuerObstacle, licenseContext, type LicenseOrder } from '../ports/issuance.ts';
import { createProduct } from '../products/products.ts';
import { createSecondPerson } from '../second-person.ts';
import { createSite } from '../sites/create-site.ts';
import type { Dependencies } from '../use-case.ts';
import { ManualClock } from './manual-clock.ts';

export const START = new Date('2026-11-21T12:00:00Z');
export const OWNER: Principal = {
  kind: 'person',
  id: 'person:owner',
  organization: 'acme',
  roles: ['owner'],
  enterprise: undefined,
  site: undefined,
};

const noDelegation = () => Promise.reject(new Error('No enterprise keeps its own CA here.'));

export const TERMS = {
  tier: { rank: 20, code: 'gold' },
  features: ['press', 'press/remote'],
  limits: [
    { code: 'machines', max: 10, scope: 'pool', enforce: 'hard' },
    { code: 'users', max: 100, scope: 'each', enforce: 'soft' },
  ],
  siteCaps: { production: 5, development: 3 },
  modeChanges: true,
  graceSeconds: 1_209_600,
  contactSeconds: 604_800,
  degrade: 'readOnly',
  reporting: undefined,
  bindingNeed: 0,
} satisfies Parameters<ReturnType<typeof createContract>>[1]['terms'];

export const TERM = { firstDay: '2026-01-01', lastDay: '2027-12-31', timeZone: 'Europe/Berlin' };

/** A vendor with one product, its authority (the real one, in this process) and its database. */
export class Office {
  readonly shop = new Workshop();
  readonly clock = new ManualClock(START);
  readonly deps: Dependencies;
  readonly #database: Database;
  readonly #authorities = new Map<string, Promise<IssuerGeneration>>();
  /** Everything that the authority has committed, as the domain's recorder saw it. */
  readonly batches: number[] = [];
  /** What the CA above a contract would refuse a license for. */
  above: readonly IssuerObstacle[] = [];
  issuing = (order: LicenseOrder): Promise<IssuedLicense> => this.#issue(order);
  #organization: Promise<IssuerGeneration> | undefined;
  #issuer;
  #count = 0;

  constructor(database: Database) {
    this.#database = database;
    const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
    const common = { transactions: database, clock: this.clock, random, auditLog, outbox };
    const changed = [createLicenseFollower(outbox)];
    const stored = { ...common, leases, holder: 'office', changed };
    const revocations = createRevocationStore(stored);
    const revoker = createRevoker({ signer: this.shop.signer, store: revocations, clock: this.clock });
    const revoking = createRevocations({
      revoker,
      store: revocations,
      within: createRevocationsWithin(stored),
      auditLog,
      retired: () => undefined,
    });
    const record = createIssuedRecorder(revoking);
    const committed: typeof record = (tx, issued) => {
      this.batches.push(issued.length);
      return record(tx, issued);
    };
    this.#issuer = createIssuer({
      signer: this.shop.signer,
      store: createCertificateStore({
        transactions: database,
        auditLog,
        outbox,
        domain: { taken: takenSteps, committed },
      }),
      clock: this.clock,
      random,
      generationOf: this.shop.generationOf,
    });
    const access = { ...common, stores: accessStores, organizations: stores.organizations };
    const judging = { certificates: certificateFinder, fence: new Fence() };
    this.deps = {
      ...common,
      stores,
      issuance: {
        issue: (order) => this.issuing(order),
        checkRequest: (tx, csr, lineage) => translated(checkFirstRequest(judging, tx, csr, lineage)),
        find: (_, serial) => this.#find(serial),
        look: async (_, names) =>
          names.map(
            ({ serial }) =>
              () =>
                this.#find(serial),
          ),
        checkContract: () => Promise.resolve(),
        obstacles: () => Promise.resolve(this.above),
        // The CAs here are those of this office; those of enterprises have tests of their own.
        delegation: { certify: noDelegation, follow: noDelegation },
      },
      revocations: revoking,
      secondPerson: createSecondPerson(access),
    };
  }

  /** The organization and its product. */
  async open(onFork: 'alarm' | 'quarantine-later' | 'quarantine-both' = 'quarantine-later', secondPerson = false) {
    await this.#database.run('platform', (tx) => makeCertificatePartitions(tx, START));
    const settings = { secondPerson, onFork };
    await createOrganization(this.deps)(OWNER, { slug: 'acme', name: 'Acme', settings });
    await createProduct(this.deps)(OWNER, {
      code: 'press',
      name: 'Press',
      catalog: {
        features: [{ code: 'remote', name: 'Remote' }],
        limits: ['machines', 'users'].map((code) => ({ code, name: code, unit: code })),
        tiers: [
          { rank: 10, code: 'silver', name: 'Silver' },
          { rank: 20, code: 'gold', name: 'Gold' },
        ],
      },
    });
  }

  /** An enterprise with an active contract. */
  async customer(
    terms: Partial<Record<keyof typeof TERMS, unknown>> = {},
  ): Promise<{ enterprise: Enterprise; contract: Contract }> {
    const number = (this.#count += 1);
    const enterprise = await createEnterprise(this.deps)(OWNER, { slug: `globex-${number}`, name: 'Globex' });
    const contract = await this.contract(enterprise, terms);
    return { enterprise, contract: await activateContract(this.deps)(OWNER, { id: contract.id }) };
  }

  contract(
    enterprise: Enterprise,
    terms: Partial<Record<keyof typeof TERMS, unknown>> = {},
    more: object = {},
  ): Promise<Contract> {
    this.#count += 1;
    return createContract(this.deps)(OWNER, {
      enterprise: enterprise.id,
      number: `C-${this.#count}`,
      terms: { ...TERMS, ...terms } as typeof TERMS,
      term: TERM,
      ...more,
    });
  }

  /** A site with its first license. */
  async site(contract: Contract, more: object = {}) {
    this.#count += 1;
    const input = {
      contract: contract.id,
      name: `plant-${this.#count}`,
      mode: 'production',
      csr: makeCsr(),
      ...more,
    } as const;
    const { site, license } = await createSite(this.deps)(OWNER, input);
    return { site, license: license! };
  }

  async #issue({
    organization,
    enterprise,
    site,
    claims,
    contract,
    key,
    ground,
    facts,
  }: LicenseOrder): Promise<IssuedLicense> {
    try {
      const issuer = await this.#authorityOf(enterprise, contract);
      const { certificate, fresh } = await this.#issuer.issue({
        profile: loadProfiles().site,
        issuer,
        key: 'csr' in key ? { csr: key.csr } : { held: { publicKey: await this.#publicKeyOf(key.licensed) } },
        subject: { organization, enterprise, commonName: site },
        claims,
        contract,
        principal: ground,
        keyOwner: keyOwnerOf(facts.lineage),
        context: licenseContext(facts),
      });
      return licenseOf(certificate, issuer, fresh);
    } catch (error) {
      throw asLicetError(error);
    }
  }

  /** One CA for each version of a contract; certified when it is first needed. */
  #authorityOf(enterprise: string, contract: LicenseOrder['contract']): Promise<IssuerGeneration> {
    const id = `${enterprise} ${toHex(encodeClaims(contract))}`;
    let made = this.#authorities.get(id);
    if (made === undefined) this.#authorities.set(id, (made = this.#certify(enterprise, contract)));
    return made;
  }

  async #certify(enterprise: string, contract: LicenseOrder['contract']): Promise<IssuerGeneration> {
    const above = await (this.#organization ??= this.#organizationAuthority());
    const key = await this.shop.signer.createKey({
      purpose: 'enterprise',
      algorithm: 'P-256',
      organization: 'acme',
      enterprise,
    });
    const { certificate } = await this.shop.issuer.issue({
      profile: loadProfiles().enterprise,
      issuer: above,
      key: { held: key },
      subject: { organization: 'acme', enterprise, commonName: `${enterprise} CA` },
      claims: contract,
      principal: `authority ${key.id}`,
      keyOwner: key.id,
      context: {},
    });
    const own = decodeCertificate(certificate);
    const addresses = addressesOf('http://pki.acme.example', own.extensions.subjectKeyIdentifier!, 4);
    const generation = IssuerGeneration.open(key, [own, ...above.chain], addresses);
    this.shop.generations.set(key.id, generation);
    return generation;
  }

  async #organizationAuthority(): Promise<IssuerGeneration> {
    const claims = {
      id: '00000000-0000-4000-8000-000000000001',
      sequence: 1,
      modes: MODES,
      tier: { rank: 20, code: 'gold' },
      features: ['ink', 'press', 'press/remote'],
      limits: ['machines', 'users'].map(
        (code) => ({ code, max: 'unlimited', scope: 'each', enforce: 'report' }) as const,
      ),
      term: { from: new Date('2020-01-01T00:00:00Z'), to: new Date('2040-01-01T00:00:00Z') },
      grace: 100_000_000,
      contact: 100_000_000,
      degrade: 'warn',
    } as const;
    return this.shop.ca(await this.shop.root(), 'organization', 'P-256', { claims });
  }

  async #find(serial: string): Promise<IssuedLicense | undefined> {
    const rows = await this.#database.run('platform', (tx) =>
      sql(tx).query<{ certificate: Buffer; issuer: string }>(
        'select certificate, issuer from certificates where serial = $1',
        [Buffer.from(fromHex(serial))],
      ),
    );
    const [row] = rows;
    return row && licenseOf(new Uint8Array(row.certificate), this.shop.generations.get(row.issuer)!, false);
  }

  async #publicKeyOf(serial: string) {
    return decodeCertificate((await this.#find(serial))!.chain[0]!).publicKey.raw;
  }
}

function licenseOf(certificate: Uint8Array, issuer: IssuerGeneration, fresh: boolean): IssuedLicense {
  const { serial, notBefore, notAfter, der } = decodeCertificate(certificate);
  return { serial: toHex(serial), chain: [der, ...issuer.chain.map((above) => above.der)], notBefore, notAfter, fresh };
}

/** The principal that a site is when it shows its license. */
export const siteActor = (site: { id: string; enterprise: string }): Principal => ({
  kind: 'site',
  id: `site:${site.id}`,
  organization: 'acme',
  roles: ['site'],
  enterprise: site.enterprise,
  site: site.id,
});

export const hasCode = (code: string) => (error: unknown) => {
  const found = (error as { code?: string }).code;
  if (found === code) return true;
  throw error;
};
