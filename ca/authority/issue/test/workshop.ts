import { type KeyObject, randomBytes, sign } from 'node:crypto';
import {
  type Bytes,
  type Claims,
  createName,
  decodeCertificate,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  type RawExtension,
} from '@licet/format';
import type { KeyAlgorithm } from '../../ports/signer.ts';
import { loadProfiles } from '../../profiles/index.ts';
import { type CrashHook } from '../crash-points.ts';
import { createIssuer, type Issuer } from '../issuer.ts';
import { addressesOf, IssuerGeneration } from '../issuer-generation.ts';
import { MemoryCertificateStore } from '../memory-store.ts';
import type { IssueRequest } from '../prepare.ts';
import { SIGNATURE_ALGORITHMS } from '../signatures.ts';
import type { Subject } from '../subject.ts';
import { generate, KeySigner } from './key-signer.ts';

export const PROFILES = loadProfiles();
export const START = new Date('2026-11-21T12:00:00Z');

export function claims(change: Partial<Claims> = {}): Claims {
  return {
    id: '00000000-0000-4000-8000-000000000001',
    sequence: 1,
    modes: ['production'],
    tier: { rank: 20, code: 'gold' },
    features: ['press', 'press/remote'],
    limits: [{ code: 'machines', max: 10, scope: 'each', enforce: 'soft' }],
    term: { from: new Date('2026-01-01T00:00:00Z'), to: new Date('2028-01-01T00:00:00Z') },
    grace: 1_209_600,
    contact: 604_800,
    degrade: 'readOnly',
    ...change,
  };
}

export const CONTRACT = claims({ modes: ['production', 'development', 'recovery'] });

/** A CSR as a good client makes it. */
export function makeCsr(
  algorithm: KeyAlgorithm = 'P-256',
  options: { keys?: Keys; extensions?: readonly RawExtension[]; name?: string } = {},
): Bytes {
  const { publicKey, privateKey } = options.keys ?? generate(algorithm);
  const info = encodeCertificationRequestInfo({
    subject: createName(options.name === undefined ? [] : [{ type: 'commonName', value: options.name }]),
    publicKey: { raw: publicKey.export({ type: 'spki', format: 'der' }) },
    ...(options.extensions !== undefined && { requestedExtensions: options.extensions }),
  });
  const digest =
    algorithm === 'P-384' ? 'sha384' : algorithm.startsWith('P-') || algorithm === 'RSA-3072' ? 'sha256' : null;
  return encodeCertificationRequest(info, { raw: SIGNATURE_ALGORITHMS[algorithm] }, sign(digest, info, privateKey));
}

export type Keys = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

/** A hierarchy down to one enterprise CA, made by the code under test, and everything to issue below it. */
export class Workshop {
  now = START;
  readonly clock = { now: () => this.now };
  readonly random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
  readonly signer = new KeySigner(() => this.now);
  store = new MemoryCertificateStore();
  readonly generations = new Map<string, IssuerGeneration>();
  readonly generationOf = (key: string) => Promise.resolve(this.generations.get(key));
  crashPoint: CrashHook = () => {};
  issuer: Issuer = this.restart();

  /** As a process that starts anew: what was in memory is gone. */
  restart(): Issuer {
    this.issuer = createIssuer({
      ...this.recovery(),
      random: this.random,
      crashPoint: (point) => this.crashPoint(point),
    });
    return this.issuer;
  }

  recovery() {
    const { signer, store, clock, generationOf } = this;
    return { signer, store, clock, generationOf };
  }

  async root(algorithm: KeyAlgorithm = 'P-256'): Promise<IssuerGeneration> {
    const key = await this.signer.createKey({ purpose: 'root', algorithm, organization: 'acme' });
    const { certificate } = await this.issuer.issue({
      profile: PROFILES.root,
      issuer: IssuerGeneration.rootToBe(key),
      key: { held: key },
      subject: { organization: 'acme', commonName: 'Acme License Root' },
      principal: `ceremony ${key.id}`,
      keyOwner: key.id,
      context: { by: 'test' },
    });
    return this.#open(IssuerGeneration.open(key, [decodeCertificate(certificate)], this.#addresses(certificate, 1)));
  }

  async ca(
    above: IssuerGeneration,
    purpose: 'organization' | 'enterprise' | 'service',
    algorithm: KeyAlgorithm = 'P-256',
    more: Partial<IssueRequest> = {},
  ): Promise<IssuerGeneration> {
    const enterprise = purpose === 'enterprise' ? { enterprise: 'globex' } : {};
    const key = await this.signer.createKey({ purpose, algorithm, organization: 'acme', ...enterprise });
    const { certificate } = await this.issuer.issue({
      profile: PROFILES[purpose === 'service' ? 'service-ca' : purpose],
      issuer: above,
      key: { held: key },
      subject: { organization: 'acme', ...enterprise, commonName: `Acme ${purpose} CA` },
      ...(purpose !== 'service' && { claims: CONTRACT }),
      principal: `authority ${key.id}`,
      keyOwner: key.id,
      context: { by: 'test' },
      ...more,
    });
    const chain = [decodeCertificate(certificate), ...above.chain] as const;
    return this.#open(IssuerGeneration.open(key, chain, this.#addresses(certificate, 4)));
  }

  /** The same key with a new certificate, as after a change of a contract. */
  async certifiedAnew(
    { key: id, purpose }: IssuerGeneration,
    above: IssuerGeneration,
    change: Partial<Claims> = {},
  ): Promise<IssuerGeneration> {
    const key = (await this.signer.keys()).find((one) => one.id === id)!;
    const enterprise = purpose === 'enterprise' ? { enterprise: 'globex' } : {};
    const { certificate } = await this.issuer.issue({
      profile: PROFILES[purpose === 'enterprise' ? 'enterprise' : 'organization'],
      issuer: above,
      key: { held: key },
      subject: { organization: 'acme', ...enterprise, commonName: `Acme ${purpose} CA` },
      claims: { ...CONTRACT, ...change },
      principal: `authority ${id} anew ${this.now.toISOString()}`,
      keyOwner: id,
      context: { by: 'test' },
    });
    const chain = [decodeCertificate(certificate), ...above.chain] as const;
    return this.#open(IssuerGeneration.open(key, chain, this.#addresses(certificate, 4)));
  }

  async hierarchy(
    algorithm: KeyAlgorithm = 'P-256',
  ): Promise<Record<'root' | 'organization' | 'enterprise', IssuerGeneration>> {
    const root = await this.root(algorithm);
    const organization = await this.ca(root, 'organization', algorithm);
    const enterprise = await this.ca(organization, 'enterprise', algorithm);
    return { root, organization, enterprise };
  }

  siteRequest(enterprise: IssuerGeneration, change: Partial<IssueRequest> = {}): IssueRequest {
    const subject: Subject = { organization: 'acme', enterprise: 'globex', commonName: 'plant-7' };
    return {
      profile: PROFILES.site,
      issuer: enterprise,
      key: change.key ?? { csr: makeCsr() },
      subject,
      claims: claims(),
      principal: 'site plant-7 after nothing',
      keyOwner: 'lineage 1',
      context: { site: 'plant-7' },
      ...change,
    };
  }

  #addresses(certificate: Bytes, shards: number) {
    const keyIdentifier = decodeCertificate(certificate).extensions.subjectKeyIdentifier!;
    return addressesOf('http://pki.acme.example', keyIdentifier, shards);
  }

  #open(generation: IssuerGeneration): IssuerGeneration {
    this.generations.set(generation.key, generation);
    return generation;
  }
}
