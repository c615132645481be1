import { generateKeyPairSync, type KeyPairKeyObjectResult, randomBytes, sign } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  addressesOf,
  AuthorityError,
  type CertificateId,
  type CrashHook,
  createHierarchy,
  createIssuer,
  createOcspResponder,
  createRevoker,
  type CrlEvent,
  type CrlPublisher,
  type CrlPublisherDeps,
  type Issuer,
  IssuerGeneration,
  type KeyAlgorithm,
  loadProfiles,
  type OcspResponder,
  openSigner,
  publishDue,
  type PublishSummary,
  renewResponders,
  type Revoker,
  type RevocationEvent,
  type RevocationOrder,
  type RevocationStore,
  ServedCrls,
  type Signer,
} from '@licet/authority';
import {
  type Claims,
  createName,
  decodeCertificate,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  fromHex,
  toHex,
} from '@licet/format';
import { crlFastPath } from '../../http/crl/fast-path.ts';
import { ocspFastPaths } from '../../http/ocsp/fast-paths.ts';
import { auditLog } from '../../persistence/audit-log.ts';
import { createCertificateStore } from '../../persistence/authority/certificate-store.ts';
import { makeCertificatePartitions } from '../../persistence/authority/partitions.ts';
import { createRevocationStore } from '../../persistence/authority/revocation-store.ts';
import { leases } from '../../persistence/leases.ts';
import { outbox } from '../../persistence/outbox.ts';
import type { TestDatabase } from '../../persistence/test/test-database.ts';
import { serve, type Served } from '../frame/served.ts';

const DAY = 86_400_000;
const PROFILES = loadProfiles();
const ECDSA_SHA256 = { raw: fromHex('300a06082a8648ce3d040302') };

export const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };

export type License = CertificateId & { readonly der: Uint8Array };

/** Everything between a revocation and whoever asks for it, on a real database, signer and socket. */
export class Shop {
  /** Programs of others know only the real time. */
  readonly begun = new Date();
  now = this.begun;
  readonly clock = { now: () => this.now };
  readonly events: CrlEvent[] = [];
  readonly reported: unknown[] = [];
  crashPoint: CrashHook = () => {};
  signerIsGone = false;
  readonly database: TestDatabase;
  readonly store: RevocationStore;
  readonly signer: Signer;
  readonly issuer: Issuer;
  readonly revoker: Revoker;
  readonly folder: string;
  /** Replaced by a test that wants one without a memory. */
  responder: OcspResponder;
  crls: ServedCrls;
  served!: Served;
  root!: IssuerGeneration;
  organization!: IssuerGeneration;
  service!: IssuerGeneration;
  enterprise!: IssuerGeneration;
  /** Of the keys of all CAs and responders. */
  algorithm: KeyAlgorithm = 'P-256';
  #issued = 0;

  private constructor(database: TestDatabase, signer: Signer, folder: string) {
    this.database = database;
    this.signer = signer;
    this.folder = folder;
    this.store = this.otherStore('one');
    this.issuer = createIssuer({
      signer,
      store: createCertificateStore({ transactions: database, auditLog, outbox }),
      clock: this.clock,
      random,
      generationOf: async () => undefined,
    });
    this.responder = this.otherResponder();
    this.crls = this.otherCrls();
    this.revoker = createRevoker({
      signer: this.#gated(signer),
      store: this.store,
      clock: this.clock,
      changed: (ids) => this.responder.forget(ids),
      crashPoint: (point) => this.crashPoint(point),
    });
  }

  /** Without a signer, with one in this very process. */
  static async open(database: TestDatabase, shards = 2, given?: Signer, algorithm?: KeyAlgorithm): Promise<Shop> {
    const folder = mkdtempSync(join(tmpdir(), 'licet-revoke-'));
    const clock = { now: () => shop.now };
    const signer = given ?? (await openSigner({ folder, clock, keys: { wrappingKey: random.bytes(32) } }));
    const shop: Shop = new Shop(database, signer, folder);
    if (algorithm !== undefined) shop.algorithm = algorithm;
    await shop.#start(shards);
    return shop;
  }

  async #start(shards: number): Promise<void> {
    await this.database.run('platform', (tx) => makeCertificatePartitions(tx, this.now));
    this.served = await serve({
      fastPaths: [
        ...ocspFastPaths({ answer: (asked, request) => this.responder.answer(asked, request) }),
        crlFastPath({ get: (generation, shard) => this.crls.get(generation, shard) }),
      ],
    });
    const base = this.served.url;
    const { root, organization, service } = await createHierarchy({
      signers: { root: this.signer, online: this.signer },
      clock: this.clock,
      random,
      store: createCertificateStore({ transactions: this.database, auditLog, outbox }),
      algorithm: this.algorithm,
      organization: 'acme',
      names: { root: 'Acme Root', organization: 'Acme CA', service: 'Acme Service CA' },
      base,
      shards,
      claims: claims(this.begun),
    });
    this.root = root;
    this.organization = organization;
    this.service = service;
    this.enterprise = await this.#enterprise(organization, base, shards);
    await this.renew();
  }

  async #enterprise(above: IssuerGeneration, base: string, shards: number): Promise<IssuerGeneration> {
    const tenant = { organization: 'acme', enterprise: 'globex' };
    const key = await this.signer.createKey({ purpose: 'enterprise', algorithm: this.algorithm, ...tenant });
    const { certificate } = await this.issuer.issue({
      profile: PROFILES.enterprise,
      issuer: above,
      key: { held: key },
      subject: { ...tenant, commonName: 'Globex CA' },
      claims: claims(this.begun),
      principal: `authority ${key.id}`,
      keyOwner: key.id,
      context: {},
    });
    await this.signer.bindCertificate(key.id, certificate, above.certificate!.der);
    const own = decodeCertificate(certificate);
    return IssuerGeneration.open(
      key,
      [own, ...above.chain],
      addressesOf(base, own.extensions.subjectKeyIdentifier!, shards),
    );
  }

  /** The root as well: here it is not offline. */
  generations = async () => [this.root, this.organization, this.enterprise];

  renew(): Promise<number> {
    const report = ({ error }: { error: unknown }) => void this.reported.push(error);
    const { signer, issuer, clock, generations } = this;
    return renewResponders({ signer, issuer, profile: PROFILES.ocsp, clock, generations, report });
  }

  /** As another process would have it, on the same database. */
  otherStore(holder: string): RevocationStore {
    return createRevocationStore({ transactions: this.database, auditLog, outbox, leases, holder });
  }

  otherResponder(
    welcome?: () => Promise<unknown>,
    generations = this.generations,
    signer = this.signer,
  ): OcspResponder {
    const { clock } = this;
    return createOcspResponder({
      ...(welcome && { welcome: async () => void (await welcome()) }),
      signer: this.#gated(signer),
      store: this.store,
      clock,
      generations: () => generations(),
      report: (error) => void this.reported.push(error),
    });
  }

  /** The real one, until `signerIsGone`. */
  #gated(signer: Signer): Signer {
    return new Proxy(signer, {
      get: (target, name) => {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== 'function') return value;
        const gone = async () => Promise.reject(new AuthorityError('SIGNER_UNAVAILABLE', 'The signer is gone.'));
        return this.signerIsGone ? gone : (value.bind(target) as unknown);
      },
    });
  }

  /** As the server has it, or without the care for newcomers. */
  otherCrls(welcome?: CrlPublisher['first']): ServedCrls {
    return new ServedCrls({
      ...(welcome && { welcome }),
      store: this.store,
      clock: this.clock,
      issuerOf: async (identifier) =>
        (await this.generations()).find(({ keyIdentifier }) => toHex(keyIdentifier) === identifier)?.key,
      report: (error) => void this.reported.push(error),
    });
  }

  publish(): Promise<PublishSummary> {
    return publishDue(this.publishing());
  }

  /** Of this process, or of another one on the same database. */
  publishing(store = this.store): CrlPublisherDeps {
    const { clock, generations } = this;
    return {
      signer: this.#gated(this.signer),
      store,
      clock,
      generations,
      report: (event) => void this.events.push(event),
      crashPoint: (point) => this.crashPoint(point),
    };
  }

  order(event: RevocationEvent): RevocationOrder {
    return { organization: 'acme', event, principal: 'user:4711', context: {} };
  }

  async license(keys: KeyPairKeyObjectResult = generateKeyPairSync('ec', { namedCurve: 'P-256' })): Promise<License> {
    const site = `site-${(this.#issued += 1)}`;
    const { publicKey, privateKey } = keys;
    const info = encodeCertificationRequestInfo({
      subject: createName([{ type: 'commonName', value: site }]),
      publicKey: { raw: new Uint8Array(publicKey.export({ type: 'spki', format: 'der' })) },
    });
    const { certificate } = await this.issuer.issue({
      profile: PROFILES.site,
      issuer: this.enterprise,
      key: { csr: encodeCertificationRequest(info, ECDSA_SHA256, sign('sha256', info, privateKey)) },
      subject: { organization: 'acme', enterprise: 'globex', commonName: site },
      claims: claims(this.begun),
      principal: `site ${site}`,
      keyOwner: `lineage ${site}`,
      context: {},
    });
    return { issuer: this.enterprise.key, serial: decodeCertificate(certificate).serial, der: certificate };
  }

  after(ms: number): void {
    this.now = new Date(this.now.getTime() + ms);
  }

  async close(): Promise<void> {
    await this.served?.close();
    await this.signer.close();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function claims(now: Date): Claims {
  const today = Math.floor(now.getTime() / DAY) * DAY;
  return {
    id: '00000000-0000-4000-8000-000000000001',
    sequence: 1,
    modes: ['production'],
    tier: { rank: 20, code: 'gold' },
    features: ['press'],
    limits: [],
    term: { from: new Date(today), to: new Date(today + 700 * DAY) },
    grace: 1_209_600,
    contact: 604_800,
    degrade: 'readOnly',
  };
}
