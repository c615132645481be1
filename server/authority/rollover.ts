import {
  addressesOf,
  type Issuer,
  type KeyAlgorithm,
  type KeyDescription,
  loadProfiles,
  type Signer,
} from '@licet/authority';
import { decodeCertificate } from '@licet/format';
import { LicetError } from '../licensing/errors.ts';
import type { Clock } from '../licensing/ports/clock.ts';
import type { Directory, Opened } from './directory.ts';
import { translated } from './errors.ts';
import type { Fence } from './fence.ts';
import type { Authority } from './ports/authorities.ts';

export type RolloverDeps = {
  readonly directory: Directory;
  readonly issuer: Issuer;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly fence: Fence;
  readonly publish: { readonly base: string; readonly shards: number };
};

const profiles = loadProfiles();
const PROFILES = {
  organization: profiles.organization,
  enterprise: profiles.enterprise,
  service: profiles['service-ca'],
};

/**
 * A second generation beside the first: a new key, certified by the same parent. New certificates come from the new one;
 * the old one answers for its own until it is retired. Needs the parent's key in our signer: for a CA below an offline
 * root the ceremony does the same with files.
 */
export async function rollOver(
  deps: RolloverDeps,
  key: string,
): Promise<{ readonly from: Authority; readonly to: Authority }> {
  const { directory, signer, fence } = deps;
  fence.assertOpen();
  const old = await inOffice(directory, key);
  const parent = await parentOf(directory, old);
  const fresh = await translated(freshKey(signer, old.authority));
  const to = await certify(deps, fresh, old, parent);
  const from: Authority = { ...old.authority, status: 'crl-only' };
  // In one transaction, the old one first: there is always exactly one in office.
  await directory.saveAll([from, to], {
    action: 'authority.rolledOver',
    actor: 'system:rollover',
    details: { from: from.key, to: to.key },
  });
  return { from, to };
}

export const endOf = ({ certificate }: Authority): Date => decodeCertificate(certificate).notAfter;

async function inOffice(directory: Directory, key: string): Promise<Opened> {
  const found = await directory.find(key);
  if (found === undefined) throw unknown(key);
  if (found.authority.status === 'active' && found.authority.kind !== 'root') return found;
  const message = 'Only an authority in office below a root is rolled over; for a root, hold a ceremony.';
  throw new LicetError('conflict', 'AUTHORITY_NOT_IN_OFFICE', message);
}

async function parentOf(directory: Directory, { authority }: Opened): Promise<Opened> {
  const parent = authority.parent === undefined ? undefined : await directory.find(authority.parent);
  if (parent?.authority.held !== true) {
    const message =
      'The key above this authority is elsewhere: make its successor by a request with "successor: true", and carry the files.';
    throw new LicetError('conflict', 'PARENT_ELSEWHERE', message);
  }
  if (parent.authority.status === 'active') return parent;
  const { organization, kind, enterprise, contract } = parent.authority;
  return (await directory.active({ organization, kind, enterprise, contract })) ?? parent;
}

/** One that an earlier, interrupted run made is used. Where the old one was lost there is nothing to follow: a first one. */
async function freshKey(signer: Signer, old: Authority): Promise<KeyDescription> {
  const { key, organization, enterprise, kind, algorithm } = old;
  const keys = await signer.keys();
  const unused = keys.find(
    (one) =>
      one.purpose === kind &&
      one.organization === organization &&
      one.enterprise === enterprise &&
      one.generation > 1 &&
      one.certificate === undefined &&
      one.retiredAt === undefined,
  );
  if (unused !== undefined) return unused;
  if (keys.some(({ id }) => id === key)) return signer.rotateKey(key);
  return signer.createKey({ purpose: kind, algorithm, organization, ...(enterprise !== undefined && { enterprise }) });
}

async function certify(deps: RolloverDeps, key: KeyDescription, old: Opened, parent: Opened): Promise<Authority> {
  const { issuer, signer, publish, clock } = deps;
  const { authority, generation } = old;
  const { organization, enterprise, kind } = authority;
  if (kind === 'root') throw new Error('A root certifies itself.');
  const claims = generation.claims;
  const { certificate } = await translated(
    issuer.issue({
      profile: PROFILES[kind],
      issuer: parent.generation,
      key: { held: key },
      subject: { organization, ...(enterprise !== undefined && { enterprise }), commonName: nameOf(old, key) },
      ...(claims !== undefined && { claims }),
      principal: `authority ${key.id} generation ${key.generation}`,
      keyOwner: `authority ${key.id}`,
      context: { principal: 'system:rollover', from: authority.key },
    }),
  );
  await translated(signer.bindCertificate(key.id, certificate, parent.authority.certificate));
  const keyIdentifier = decodeCertificate(certificate).extensions.subjectKeyIdentifier!;
  return {
    ...authority,
    key: key.id,
    algorithm: key.algorithm satisfies KeyAlgorithm,
    parent: parent.authority.key,
    held: true,
    keyIdentifier,
    certificate,
    addresses: addressesOf(publish.base, keyIdentifier, publish.shards),
    status: 'active',
    createdAt: clock.now(),
  };
}

/**
 * Each generation has a name of its own: with the same name, verifiers would have to try both keys. The number of the key
 * is not enough: whoever lost one begins again with 1.
 */
function nameOf({ generation }: Opened, key: KeyDescription): string {
  const name = generation.chain[0]!.subject.rdns.flat().at(-1)?.value ?? '';
  const [, base = '', before = '1'] = /^(.*?)(?: G(\d+))?$/.exec(name) ?? [];
  return `${base.slice(0, 56)} G${Math.max(key.generation, Number(before) + 1)}`;
}

export const unknown = (key: string): LicetError =>
  new LicetError(
    'not-found',
    'AUTHORITY_UNKNOWN',
    `There is no authority with key ${key}; "licet authority list" names them.`,
  );
