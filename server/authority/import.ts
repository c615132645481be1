import {
  addressesOf,
  type AuthorityBundle,
  type KeyAlgorithm,
  type KeyDescription,
  type ReadyCrl,
  rootAddresses,
  SIGNATURE_ALGORITHMS,
  type Signer,
} from '@licet/authority';
import { type Certificate, equalBytes, toHex } from '@licet/format';
import { verifyPathSync } from '@licet/verify';
import { LicetError } from '../licensing/errors.ts';
import type { Clock } from '../licensing/ports/clock.ts';
import type { Directory } from './directory.ts';
import type { Authority, AuthorityKind, AuthorityStatus } from './ports/authorities.ts';
import { inForceOf, publishRootCrl, type RootCrls } from './root-crls.ts';

export type ImportDeps = {
  readonly directory: Directory;
  readonly revocations: RootCrls;
  readonly signer: Pick<Signer, 'keys'>;
  readonly clock: Clock;
  readonly publish: { readonly base: string; readonly shards: number };
  /** Whose server this is. */
  readonly organization: string;
};

export type Imported = {
  /** What was written, roots first. */
  readonly authorities: readonly Authority[];
  /** How many were known as they are. */
  readonly known: number;
  /** Numbers of the CRLs of roots that are published now and were not before. */
  readonly crls: readonly bigint[];
  /** Roots whose CRL is not served here. */
  readonly withoutCrl: readonly Authority[];
};

type Candidate = AuthorityBundle & { readonly root: Certificate; readonly isNewest: boolean };

/**
 * Takes in what the ceremony accepted into the signer's folder, and the CRLs that it made of the root. All is checked
 * before anything is written; what is known already stays as it is, so it may be run again at any time.
 */
export async function importAuthorities(
  deps: ImportDeps,
  bundles: readonly AuthorityBundle[],
  lists: readonly ReadyCrl[],
): Promise<Imported> {
  const candidates = await checked(deps, bundles, lists);
  const wanted: Authority[] = [];
  for (const { root, key } of candidates) {
    if (wanted.every((one) => one.key !== keyOfRoot(root))) wanted.push(await rootRow(deps, root, key));
  }
  // Whoever leaves office before whoever comes into it.
  for (const one of candidates.toSorted((a, b) => Number(a.isNewest) - Number(b.isNewest))) {
    wanted.push(await ownRow(deps, one));
  }
  const changed: Authority[] = [];
  for (const one of wanted) if (!(await isKnown(deps, one))) changed.push(one);
  if (changed.length > 0) await deps.directory.saveAll(changed);
  const crls: bigint[] = [];
  const withoutCrl: Authority[] = [];
  for (const root of wanted.filter(({ kind }) => kind === 'root')) {
    const list = inForceOf(lists, root.keyIdentifier, deps.clock.now());
    const published = list && (await publishRootCrl(deps.revocations, root.key, list, deps.clock.now()));
    if (published !== undefined) crls.push(published);
    const served = await deps.revocations.published({ issuer: root.key, shard: 0 });
    if (served === undefined || served.nextUpdate <= deps.clock.now()) withoutCrl.push(root);
  }
  return { authorities: changed, known: wanted.length - changed.length, crls, withoutCrl };
}

async function checked(
  deps: ImportDeps,
  bundles: readonly AuthorityBundle[],
  lists: readonly ReadyCrl[],
): Promise<readonly Candidate[]> {
  if (bundles.length === 0) {
    throw refusal('AUTHORITY_MISSING', 'No CA was accepted into the folder of this signer: hold the ceremony first.');
  }
  const held = await deps.signer.keys();
  const candidates = bundles.map((bundle): Candidate => {
    const { key } = bundle;
    const followers = bundles.filter((other) => other.key.purpose === key.purpose && other.key.retiredAt === undefined);
    const isNewest = followers.every((other) => other.key.generation <= key.generation);
    return { ...bundle, root: bundle.chain.at(-1)!, isNewest };
  });
  for (const candidate of candidates) {
    checkKey(candidate, held, deps.organization);
    checkChain(candidate, deps.clock.now());
    checkAddress(candidate, deps.publish.base);
    inForceOf(lists, candidate.root.extensions.subjectKeyIdentifier!, deps.clock.now(), candidate);
    await checkOffice(deps, candidate, candidates);
  }
  return candidates;
}

function checkKey({ key, chain }: Candidate, held: readonly KeyDescription[], organization: string): void {
  if (key.purpose !== 'organization' && key.purpose !== 'service') {
    const message = `The CA of key ${key.id} is that of an ${key.purpose}; what is imported is an organization or service CA.`;
    throw refusal('AUTHORITY_KIND', message);
  }
  if (key.organization !== organization) {
    const message = `The CA of key ${key.id} belongs to "${key.organization}" and this server to "${organization}": correct authority.organization.`;
    throw refusal('ORGANIZATION_MISMATCH', message);
  }
  const known = held.find(({ id }) => id === key.id);
  if (known === undefined || !equalBytes(known.publicKey, chain[0].publicKey.raw)) {
    const message = `The server's signer does not hold the key ${key.id}: let it use the folder into which the CA was accepted.`;
    throw refusal('KEY_UNKNOWN', message);
  }
  if (known.certificate === undefined || !equalBytes(known.certificate, chain[0].der)) {
    const message = `The chain of key ${key.id} does not begin with the certificate that this key accepted: hold "licet ceremony … accept" again.`;
    throw refusal('CERTIFICATE_MISMATCH', message);
  }
}

/** One that is followed by another may have ended: it is known for what it has signed. */
function checkChain({ key, chain, root, isNewest }: Candidate, now: Date): void {
  const at = isNewest || chain[0].notAfter > now ? now : chain[0].notAfter;
  const intermediates = chain.slice(1, -1).map(({ der }) => der);
  const { ok, findings } = verifyPathSync(chain[0], { intermediates, anchors: [root.der], at });
  if (ok && chain.length === 2 && root.extensions.subjectKeyIdentifier !== undefined) return;
  const why = findings.map(({ code, detail }) => `${code} (${detail})`).join('; ') || 'its root is not right above it';
  throw refusal('CHAIN_INVALID', `The chain of key ${key.id} does not verify: ${why}.`);
}

/** What stands in a certificate cannot be changed any more: the server has to serve there. */
function checkAddress({ key, chain, root }: Candidate, base: string): void {
  const wanted = rootAddresses(base, root.extensions.subjectKeyIdentifier!).crls[0];
  const said = (chain[0].extensions.crlDistributionPoints ?? []).flatMap(({ point }) =>
    point?.kind === 'full' ? point.names.flatMap((name) => (name.kind === 'uri' ? [name.value] : [])) : [],
  );
  if (said.some((address) => address === wanted)) return;
  const message = `The certificate of key ${key.id} looks for its CRL at ${said.join(', ') || 'no address'} and this server has it at ${wanted}: set authority.publicUrl to what the file of the ceremony says under "publish".`;
  throw refusal('PUBLISHED_ELSEWHERE', message);
}

async function checkOffice({ directory }: ImportDeps, { key }: Candidate, all: readonly Candidate[]): Promise<void> {
  const inOffice = await directory.active(roleOf(key));
  if (inOffice === undefined || all.some((one) => one.key.id === inOffice.authority.key)) return;
  const message = `Another ${key.purpose} CA of "${key.organization}" is in office, with key ${inOffice.authority.key}: import into a database of its own.`;
  throw refusal('AUTHORITY_EXISTS', message);
}

async function isKnown({ directory }: ImportDeps, { key, certificate, status, parent }: Authority): Promise<boolean> {
  const known = (await directory.find(key))?.authority;
  return (
    known !== undefined &&
    equalBytes(known.certificate, certificate) &&
    known.status === status &&
    known.parent === parent
  );
}

async function rootRow({ directory, publish, clock }: ImportDeps, root: Certificate, below: KeyDescription) {
  const keyIdentifier = root.extensions.subjectKeyIdentifier!;
  const known = await directory.byKeyIdentifier(keyIdentifier);
  if (known !== undefined) return { ...known.authority, certificate: root.der };
  const fresh: Authority = {
    ...roleOf({ ...below, purpose: 'root' }),
    key: toHex(keyIdentifier),
    algorithm: algorithmOf(root),
    parent: undefined,
    held: false,
    keyIdentifier,
    certificate: root.der,
    addresses: rootAddresses(publish.base, keyIdentifier),
    status: 'active',
    createdAt: clock.now(),
  };
  return fresh;
}

async function ownRow({ directory, publish, clock }: ImportDeps, candidate: Candidate): Promise<Authority> {
  const { key, chain, root, isNewest } = candidate;
  const known = (await directory.find(key.id))?.authority;
  const keyIdentifier = chain[0].extensions.subjectKeyIdentifier!;
  const office: AuthorityStatus = isNewest ? 'active' : 'crl-only';
  const isRetired = key.retiredAt !== undefined || known?.status === 'retired';
  return {
    ...roleOf(key),
    key: key.id,
    algorithm: key.algorithm,
    parent: keyOfRoot(root),
    held: true,
    keyIdentifier,
    certificate: chain[0].der,
    addresses: known?.addresses ?? addressesOf(publish.base, keyIdentifier, publish.shards),
    status: isRetired ? 'retired' : office,
    createdAt: known?.createdAt ?? clock.now(),
  };
}

const keyOfRoot = ({ extensions }: Certificate): string => toHex(extensions.subjectKeyIdentifier!);

/** A root has signed itself. */
function algorithmOf({ signatureAlgorithm }: Certificate): KeyAlgorithm {
  const all = Object.entries(SIGNATURE_ALGORITHMS) as [KeyAlgorithm, Uint8Array][];
  const found = all.find(([, raw]) => equalBytes(raw, signatureAlgorithm.raw));
  if (found !== undefined) return found[0];
  throw refusal('CHAIN_INVALID', 'The root is signed with an algorithm that no ceremony of ours uses.');
}

const roleOf = ({ organization, purpose }: Pick<KeyDescription, 'organization' | 'purpose'>) => ({
  organization,
  kind: purpose as AuthorityKind,
  enterprise: undefined,
  contract: undefined,
});

const refusal = (code: string, message: string): LicetError => new LicetError('conflict', code, message);
