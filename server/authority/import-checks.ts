import { type AuthorityBundle, type KeyDescription, type ReadyCrl, rootAddresses, type Signer } from '@licet/authority';
import { type Certificate, equalBytes, toHex } from '@licet/format';
import { verifyPathSync } from '@licet/verify';
import { LicetError } from '../licensing/errors.ts';
import type { Clock } from '../licensing/ports/clock.ts';
import type { Directory, Opened } from './directory.ts';
import type { Role } from './ports/authorities.ts';
import { inForceOf } from './root-crls.ts';

export type ImportCheckDeps = {
  readonly directory: Directory;
  readonly signer: Pick<Signer, 'keys'>;
  readonly clock: Clock;
  readonly publish: { readonly base: string };
  /** Whose server this is. */
  readonly organization: string;
};

/**
 * `above`: right above it. `isNewest`: of the generations of its role the one that goes into office. `isOver`: it was
 * retired, and so was its root, which publishes nothing any more.
 */
export type Candidate = AuthorityBundle & {
  readonly root: Certificate;
  readonly above: Certificate;
  readonly role: Role;
  readonly isNewest: boolean;
  readonly isOver: boolean;
};

/** How many certificates lie in the chain of an accepted CA. */
const LENGTHS: Readonly<Partial<Record<KeyDescription['purpose'], number>>> = {
  organization: 2,
  service: 2,
  // Certified by the server of its organization, which this one is not.
  enterprise: 3,
};

/** What was accepted into the signer's folder, each CA checked for everything that can be known before it is written. */
export async function checkBundles(
  deps: ImportCheckDeps,
  bundles: readonly AuthorityBundle[],
  lists: readonly ReadyCrl[],
): Promise<readonly Candidate[]> {
  if (bundles.length === 0) {
    const message =
      'No CA was accepted into the folder of this signer: hold the ceremony, or put back its "authorities" from the backup.';
    throw refusal('AUTHORITY_MISSING', message);
  }
  const held = await deps.signer.keys();
  const now = deps.clock.now();
  const candidates = await Promise.all(bundles.map((bundle) => candidateOf(deps, bundle, bundles)));
  for (const candidate of candidates) {
    checkKey(candidate, held, deps.organization);
    checkChain(candidate, now);
    // What is below another server's CA is published, and revoked, by that server.
    if (candidate.role.kind !== 'enterprise' && !candidate.isOver) {
      checkAddress(candidate, deps.publish.base);
      inForceOf(lists, candidate.root.extensions.subjectKeyIdentifier!, now, candidate);
    }
  }
  for (const candidate of candidates.filter(({ isNewest }) => isNewest)) {
    await checkOffice(deps, candidate, candidates, held);
  }
  return candidates;
}

async function candidateOf(
  { directory }: ImportCheckDeps,
  bundle: AuthorityBundle,
  all: readonly AuthorityBundle[],
): Promise<Candidate> {
  const { key, chain } = bundle;
  const root = chain.at(-1)!;
  if (LENGTHS[key.purpose] === undefined) {
    const message = `The key ${key.id} is for "${key.purpose}"; what is imported is the CA of an organization, its service CA, or the CA of an enterprise.`;
    throw refusal('AUTHORITY_KIND', message);
  }
  const followers = all.filter((other) => sameRole(other.key, key) && other.key.retiredAt === undefined);
  const { authority } = (await directory.byKeyIdentifier(root.extensions.subjectKeyIdentifier!)) ?? {};
  return {
    ...bundle,
    root,
    above: chain[1] ?? chain[0],
    role: roleOf(key),
    isNewest: key.retiredAt === undefined && followers.every((other) => other.key.generation <= key.generation),
    isOver: key.retiredAt !== undefined && authority?.status === 'retired',
  };
}

const sameRole = (a: KeyDescription, b: KeyDescription): boolean =>
  a.purpose === b.purpose && a.organization === b.organization && a.enterprise === b.enterprise;

/** One that an enterprise keeps below another server serves all contracts here. */
const roleOf = ({ organization, purpose, enterprise }: KeyDescription): Role => ({
  organization,
  kind: purpose as Role['kind'],
  enterprise,
  contract: undefined,
});

function checkKey({ key, chain }: Candidate, held: readonly KeyDescription[], organization: string): void {
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
function checkChain({ key, chain, root, role, isNewest }: Candidate, now: Date): void {
  const at = isNewest || chain[0].notAfter > now ? now : chain[0].notAfter;
  const intermediates = chain.slice(1, -1).map(({ der }) => der);
  const { ok, findings } = verifyPathSync(chain[0], { intermediates, anchors: [root.der], at });
  const isWhole = chain.length === LENGTHS[role.kind];
  const areNamed = chain.slice(1).every(({ extensions }) => extensions.subjectKeyIdentifier !== undefined);
  if (ok && isWhole && areNamed) return;
  const why = findings.map(({ code, detail }) => `${code} (${detail})`).join('; ');
  const length = `it has ${chain.length} certificates and should have ${LENGTHS[role.kind]}`;
  throw refusal('CHAIN_INVALID', `The chain of key ${key.id} does not verify: ${why || length}.`);
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

async function checkOffice(
  { directory }: ImportCheckDeps,
  candidate: Candidate,
  all: readonly Candidate[],
  held: readonly KeyDescription[],
): Promise<void> {
  const { role } = candidate;
  const known = all.flatMap(({ key, above }) => [key.id, keyOf(above)]);
  const { organization } = role;
  const roles: Role[] = [role];
  if (role.kind === 'enterprise') {
    roles.push({ organization, kind: 'organization', enterprise: undefined, contract: undefined });
  }
  for (const one of roles) {
    const inOffice = await directory.active(one);
    if (inOffice === undefined || known.includes(inOffice.authority.key)) continue;
    // A CA above that the other server has followed by another.
    if (one !== role && !inOffice.authority.held) continue;
    const { key } = inOffice.authority;
    const isLost = !held.some(({ id }) => id === key) && isBelowRootOf(inOffice, candidate);
    const own = (await directory.find(candidate.key.id))?.authority;
    // One that was here before was followed by that, and comes from an old copy.
    if (isLost && (own === undefined || own.createdAt > inOffice.authority.createdAt)) continue;
    const instead = isLost
      ? 'whose key the signer has lost: put that back, or hold the ceremony for its successor'
      : 'import into a database of its own';
    const message = `Another ${one.kind} CA of "${organization}" is in office, with key ${key}: ${instead}.`;
    throw refusal('AUTHORITY_EXISTS', message);
  }
}

/** Or below one that vouches for it: the hierarchy is the same, and not that of an evaluation. */
function isBelowRootOf({ generation }: Opened, { root, links }: Candidate): boolean {
  const vouching = links.map(({ extensions }) => extensions.authorityKeyIdentifier?.keyIdentifier);
  const inOffice = generation.chain.at(-1)!.extensions.subjectKeyIdentifier!;
  return [root.extensions.subjectKeyIdentifier, ...vouching].some((one) => one && equalBytes(one, inOffice));
}

/** How a CA is called whose key is elsewhere. */
export const keyOf = ({ extensions }: Certificate): string => toHex(extensions.subjectKeyIdentifier!);

export const refusal = (code: string, message: string): LicetError => new LicetError('conflict', code, message);
