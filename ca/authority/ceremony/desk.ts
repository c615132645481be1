import { decodeCertificate } from '@licet/format';
import { addressesOf, type Addresses, IssuerGeneration } from '../issue/issuer-generation.ts';
import { createIssuer } from '../issue/issuer.ts';
import { MemoryCertificateStore } from '../issue/memory-store.ts';
import type { IssueRequest } from '../issue/prepare.ts';
import type { CertificateStore } from '../ports/certificate-store.ts';
import type { Clock } from '../ports/clock.ts';
import type { Random } from '../ports/random.ts';
import type { KeyDescription, Signer } from '../ports/signer.ts';
import { loadProfiles } from '../profiles/index.ts';

/** Where a ceremony is held: one signer, and no database. What was signed stands in the signer's journal. */
export type Desk = {
  readonly signer: Signer;
  readonly clock: Clock;
  readonly random: Random;
  /** Where the certificates are recorded; without it, in memory. */
  readonly store?: CertificateStore;
};

export const PROFILES = loadProfiles();

/** What a ceremony asks for in its own words; the rest follows from it. */
export type Order = Pick<IssueRequest, 'profile' | 'issuer' | 'key' | 'subject' | 'claims' | 'until'>;

/** Issues on the same path as the server: prepared, linted, recorded, signed, proven. Gives the DER. */
export async function certify(desk: Desk, order: Order, context: IssueRequest['context'] = {}): Promise<Uint8Array> {
  const issuer = createIssuer({
    signer: desk.signer,
    store: desk.store ?? new MemoryCertificateStore(),
    clock: desk.clock,
    random: desk.random,
    generationOf: async () => order.issuer,
  });
  const { organization, enterprise = '', commonName } = order.subject;
  const who = `${order.profile.name} ${organization}/${enterprise}/${commonName}`;
  const { certificate } = await issuer.issue({ ...order, principal: `ceremony ${who}`, keyOwner: who, context });
  return certificate;
}

/** Nobody answers OCSP for a root that lies in a safe: its CRLs are made for years ahead. */
export function rootAddresses(base: string, keyIdentifier: Uint8Array): Addresses {
  return { ...addressesOf(base, keyIdentifier, 1), ocsp: undefined };
}

export type RootOrder = { readonly organization: string; readonly commonName: string; readonly until?: Date };

/** Certifies a root key by itself and binds it. `base` is where its CRLs will be published, e.g. `http://pki.acme.example`. */
export async function certifyRoot(
  desk: Desk,
  key: KeyDescription,
  base: string,
  { organization, commonName, until }: RootOrder,
): Promise<IssuerGeneration> {
  const der = await certify(desk, {
    profile: PROFILES.root,
    issuer: IssuerGeneration.rootToBe(key),
    key: { held: key },
    subject: { organization, commonName },
    ...(until !== undefined && { until }),
  });
  await desk.signer.bindCertificate(key.id, der);
  return openRoot(key, der, base);
}

export function openRoot(key: KeyDescription, der: Uint8Array, base: string): IssuerGeneration {
  const certificate = decodeCertificate(der);
  return IssuerGeneration.open(
    key,
    [certificate],
    rootAddresses(base, certificate.extensions.subjectKeyIdentifier ?? new Uint8Array()),
  );
}
