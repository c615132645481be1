import { type Claims, decodeCertificate } from '@licet/format';
import { addressesOf, IssuerGeneration } from '../issue/issuer-generation.ts';
import type { KeyAlgorithm, KeyDescription, KeyPurpose, Signer } from '../ports/signer.ts';
import { certify, certifyRoot, type Desk, openRoot, PROFILES } from './desk.ts';

export type HierarchyOptions = Omit<Desk, 'signer'> & {
  readonly signers: {
    /** Holds the root key. The same signer as `online` only where nothing is at stake: then the root is not offline. */
    readonly root: Signer;
    /** Holds the keys of the organization CA and of the service CA. */
    readonly online: Signer;
  };
  readonly algorithm: KeyAlgorithm;
  /** The organization's short name (slug). */
  readonly organization: string;
  /** The common names. */
  readonly names: { readonly root: string; readonly organization: string; readonly service: string };
  /** Where CRLs and issuers' certificates are published, without a slash at its end. */
  readonly base: string;
  /** CRLs of the organization CA and of the service CA. */
  readonly shards: number;
  /** All that the organization may license. */
  readonly claims: Claims;
};

export type Hierarchy = {
  readonly root: IssuerGeneration;
  readonly organization: IssuerGeneration;
  readonly service: IssuerGeneration;
};

/**
 * A whole hierarchy in one go: root, organization CA and service CA, each key certified and bound. What the signers
 * hold already is kept, so whoever was interrupted calls it again. The ceremony does the same in steps, with files
 * carried between two machines.
 */
export async function createHierarchy(options: HierarchyOptions): Promise<Hierarchy> {
  const root = await rootOf(options);
  return {
    root,
    organization: await authorityOf(options, root, 'organization'),
    service: await authorityOf(options, root, 'service'),
  };
}

async function rootOf(options: HierarchyOptions): Promise<IssuerGeneration> {
  const { signers, organization, names, base } = options;
  const key = await keyFor(signers.root, options, 'root');
  if (key.certificate !== undefined) return openRoot(key, key.certificate, base);
  return certifyRoot({ ...options, signer: signers.root }, key, base, { organization, commonName: names.root });
}

async function authorityOf(
  options: HierarchyOptions,
  root: IssuerGeneration,
  purpose: 'organization' | 'service',
): Promise<IssuerGeneration> {
  const { signers, organization, names, base, shards, claims } = options;
  const key = await keyFor(signers.online, options, purpose);
  let der = key.certificate;
  if (der === undefined) {
    der = await certify(
      { ...options, signer: signers.root },
      {
        profile: PROFILES[purpose === 'service' ? 'service-ca' : 'organization'],
        issuer: root,
        key: { held: key },
        subject: { organization, commonName: names[purpose] },
        ...(purpose === 'organization' && { claims }),
      },
    );
    await signers.online.bindCertificate(key.id, der, root.certificate?.der);
  }
  const addresses = addressesOf(base, decodeCertificate(der).extensions.subjectKeyIdentifier!, shards);
  return IssuerGeneration.open(key, [decodeCertificate(der), ...root.chain], addresses);
}

async function keyFor(
  signer: Signer,
  { algorithm, organization }: HierarchyOptions,
  purpose: KeyPurpose,
): Promise<KeyDescription> {
  const keys = await signer.keys();
  const newest = keys
    .filter((key) => key.purpose === purpose && key.organization === organization && key.retiredAt === undefined)
    .toSorted((a, b) => a.generation - b.generation)
    .at(-1);
  return newest ?? signer.createKey({ purpose, algorithm, organization });
}
