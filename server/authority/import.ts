import {
  type Addresses,
  addressesOf,
  type AuthorityBundle,
  type KeyAlgorithm,
  keyAlgorithmOf,
  type ReadyCrl,
  rootAddresses,
} from '@licet/authority';
import { type Certificate, equalBytes, OID, toHex } from '@licet/format';
import { type Candidate, checkBundles, type ImportCheckDeps, keyOf, refusal } from './import-checks.ts';
import { type Authority, type AuthorityStatus, certifiedAnew } from './ports/authorities.ts';
import { inForceOf, publishRootCrl, type RootCrls } from './root-crls.ts';
import { withLinks } from './root-links.ts';

export type ImportDeps = ImportCheckDeps & {
  readonly revocations: RootCrls;
  readonly publish: { readonly base: string; readonly shards: number };
  /** When all is checked and something is to be written. */
  readonly beforeSaving: () => Promise<void>;
};

export type Imported = {
  /** What was written, roots first. */
  readonly authorities: readonly Authority[];
  /** How many were known as they are. */
  readonly known: number;
  /** Numbers of the CRLs of roots that are published now and were not before. */
  readonly crls: readonly bigint[];
  /** Roots whose CRL should be served here and is not. */
  readonly withoutCrl: readonly Authority[];
};

/**
 * Takes in what the ceremony accepted into the signer's folder, and the CRLs that it made of the root. All is checked
 * before anything is written; what is known already stays as it is, so it may be run again at any time.
 */
export async function importAuthorities(
  deps: ImportDeps,
  bundles: readonly AuthorityBundle[],
  lists: readonly ReadyCrl[],
): Promise<Imported> {
  const candidates = await checkBundles(deps, bundles, lists);
  // Whoever leaves office before whoever comes into it.
  const inOrder = candidates.toSorted(
    (a, b) => Number(b.isOver) - Number(a.isOver) || Number(a.isNewest) - Number(b.isNewest),
  );
  const wanted = new Map<string, Authority>();
  for (const candidate of inOrder) wanted.set(keyOf(candidate.root), await rootRow(deps, candidate));
  const { directory, clock } = deps;
  const find = (keyIdentifier: Uint8Array) => directory.byKeyIdentifier(keyIdentifier);
  for (const row of await withLinks([...wanted.values()], candidates, find, clock.now())) {
    wanted.set(toHex(row.keyIdentifier), row);
  }
  for (const candidate of inOrder.filter(({ role }) => role.kind === 'enterprise')) {
    for (const row of await organizationRows(deps, candidate)) wanted.set(row.key, row);
  }
  for (const candidate of inOrder) {
    const row = await ownRow(deps, candidate);
    const before = row.status === 'active' ? (await directory.active(candidate.role))?.authority : undefined;
    // One whose key was lost has no chain here that would say so.
    if (before !== undefined && !wanted.has(before.key)) wanted.set(before.key, { ...before, status: 'crl-only' });
    wanted.set(row.key, row);
  }
  const changed: Authority[] = [];
  for (const one of wanted.values()) if (!(await isKnown(deps, one))) changed.push(one);
  if (changed.length > 0) {
    await deps.beforeSaving();
    await deps.directory.saveAll(changed, { action: 'authority.imported', actor: 'system:import' });
  }
  const own = new Set(candidates.flatMap(({ role, root }) => (role.kind === 'enterprise' ? [] : [keyOf(root)])));
  const roots = [...wanted].flatMap(([key, row]) => (own.has(key) && row.status !== 'retired' ? [row] : []));
  return {
    authorities: changed,
    known: wanted.size - changed.length,
    ...(await publishCrls(deps, roots, lists)),
  };
}

async function publishCrls(
  { revocations, clock }: ImportDeps,
  roots: readonly Authority[],
  lists: readonly ReadyCrl[],
): Promise<Pick<Imported, 'crls' | 'withoutCrl'>> {
  const now = clock.now();
  const crls: bigint[] = [];
  const withoutCrl: Authority[] = [];
  for (const root of roots) {
    const list = inForceOf(lists, root.keyIdentifier, now);
    const published = list && (await publishRootCrl(revocations, root.key, list, now));
    if (published !== undefined) crls.push(published);
    const served = await revocations.published({ issuer: root.key, shard: 0 });
    if (served === undefined || served.nextUpdate <= now) withoutCrl.push(root);
  }
  return { crls, withoutCrl };
}

async function isKnown(
  { directory }: ImportDeps,
  { key, certificate, status, parent, links }: Authority,
): Promise<boolean> {
  const known = (await directory.find(key))?.authority;
  return (
    known !== undefined &&
    equalBytes(known.certificate, certificate) &&
    known.status === status &&
    known.parent === parent &&
    known.links?.length === links?.length
  );
}

type Fresh = Pick<Authority, 'organization' | 'kind' | 'parent' | 'addresses' | 'status'>;

/** A CA whose key is elsewhere; of one that is known everything stays but its certificate and its office. */
async function knownOrFresh(
  { directory, clock }: ImportDeps,
  certificate: Certificate,
  fresh: Fresh,
): Promise<Authority> {
  const keyIdentifier = certificate.extensions.subjectKeyIdentifier!;
  const known = await directory.byKeyIdentifier(keyIdentifier);
  if (known !== undefined) return { ...known.authority, certificate: certificate.der, status: fresh.status };
  return {
    ...fresh,
    enterprise: undefined,
    contract: undefined,
    key: keyOf(certificate),
    algorithm: algorithmOf(certificate),
    held: false,
    keyIdentifier,
    certificate: certificate.der,
    createdAt: clock.now(),
  };
}

async function rootRow(deps: ImportDeps, { root, chain, key, role, isOver }: Candidate): Promise<Authority> {
  const isPublishedHere = role.kind !== 'enterprise';
  return knownOrFresh(deps, root, {
    organization: key.organization,
    kind: 'root',
    parent: undefined,
    addresses: isPublishedHere
      ? rootAddresses(deps.publish.base, root.extensions.subjectKeyIdentifier!)
      : elsewhere(chain.at(-2)!),
    status: isOver ? 'retired' : 'active',
  });
}

/** The CA above an enterprise that keeps its own key, and the one before it where that was followed by another. */
async function organizationRows(
  deps: ImportDeps,
  { above, root, chain, key, isNewest }: Candidate,
): Promise<Authority[]> {
  const role = { organization: key.organization, kind: 'organization' } as const;
  const row = await knownOrFresh(deps, above, {
    ...role,
    parent: keyOf(root),
    addresses: elsewhere(chain[0]),
    status: isNewest ? 'active' : 'crl-only',
  });
  if (!isNewest) return [row];
  const inOffice = await deps.directory.active({ ...role, enterprise: undefined, contract: undefined });
  if (inOffice === undefined || inOffice.authority.key === row.key) return [row];
  return [{ ...inOffice.authority, status: 'crl-only' }, row];
}

/** Where a certificate says that the one above it is found; what else that publishes is known there. */
function elsewhere({ extensions }: Certificate): Addresses {
  const access = extensions.authorityInfoAccess?.find(({ method }) => method === OID.accessCaIssuers)?.location;
  return { caIssuers: access?.kind === 'uri' ? access.value : '', ocsp: undefined, crls: [] };
}

function algorithmOf(certificate: Certificate): KeyAlgorithm {
  const found = keyAlgorithmOf(certificate.publicKey);
  if (found !== undefined) return found;
  throw refusal('CHAIN_INVALID', 'A CA of the chain has a key of a kind that no ceremony of ours makes.');
}

async function ownRow({ directory, publish, clock }: ImportDeps, candidate: Candidate): Promise<Authority> {
  const { key, chain, above, role, isNewest } = candidate;
  const known = (await directory.find(key.id))?.authority;
  const keyIdentifier = chain[0].extensions.subjectKeyIdentifier!;
  const office: AuthorityStatus = isNewest ? 'active' : 'crl-only';
  const isRetired = key.retiredAt !== undefined || known?.status === 'retired';
  const row: Authority = {
    ...role,
    key: key.id,
    algorithm: key.algorithm,
    parent: keyOf(above),
    held: true,
    keyIdentifier,
    certificate: known?.certificate ?? chain[0].der,
    ...(known?.former && { former: known.former }),
    addresses: known?.addresses ?? addressesOf(publish.base, keyIdentifier, publish.shards),
    status: isRetired ? 'retired' : office,
    createdAt: known?.createdAt ?? clock.now(),
  };
  return certifiedAnew(row, chain[0].der);
}
