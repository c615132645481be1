import {
  type CertificateId,
  type RevocationOrder,
  type RevocationStore,
  type Revoker,
  type Signer,
  step,
} from '@licet/authority';
import { type Certificate, type CertificateList, decodeCertificate, decodeCertificateList, toHex } from '@licet/format';
import { LicetError } from '../licensing/errors.ts';
import type { Clock } from '../licensing/ports/clock.ts';
import type { Transactions } from '../licensing/ports/transactions.ts';
import type { Directory, Opened } from './directory.ts';
import { ofKey } from './enterprise-certificate.ts';
import { translated } from './errors.ts';
import type { Fence } from './fence.ts';
import type { Authority } from './ports/authorities.ts';
import type { CertificateFinder, Live, SignedBy } from './ports/certificates.ts';
import { unknown } from './rollover.ts';

/** Right below a root: the generations of a few CAs. */
const MOST_BELOW = 100;

export type RetireDeps = {
  readonly directory: Directory;
  readonly signer: Signer;
  readonly clock: Clock;
  readonly fence: Fence;
  readonly transactions: Transactions;
  readonly certificates: CertificateFinder;
  readonly revoker: Revoker;
  readonly revocations: Pick<RevocationStore, 'find' | 'published' | 'parts'>;
};

export type Retired = {
  readonly authority: Authority;
  /** What was still good below it and is not any more. */
  readonly live: Live;
  /**
   * How the CA itself ended: by time, by its parent here, by the CRL of its root, or its parent elsewhere has to do it. A
   * root has none.
   */
  readonly ended: 'expired' | 'revoked' | 'revoked by its root' | 'to be revoked elsewhere' | 'trusted no more';
};

/**
 * The end of a CA that was followed by another: it is revoked by the one above it, and its key signs nothing more, not
 * even a CRL. What is still good below it ends with it, and that only when it is asked for.
 */
export async function retire(
  deps: RetireDeps,
  key: string,
  { endLive }: { readonly endLive: boolean },
): Promise<Retired> {
  const { directory, signer, fence } = deps;
  fence.assertOpen();
  const found = await directory.find(key);
  if (found === undefined) throw unknown(key);
  const { authority } = found;
  if (authority.kind === 'root') await checkRootUnused(deps, authority);
  else if (authority.status === 'active') {
    throw new LicetError('conflict', 'AUTHORITY_IN_OFFICE', 'This authority still signs; roll it over first.');
  }
  const live = await liveBelow(deps, found);
  // Of one that was retired before they have ended already, although none of them is revoked itself.
  if (live.count > 0 && !endLive && authority.status !== 'retired') {
    const message = `${live.count} certificates that lead to this authority are still good, the last until ${live.until?.toISOString()}: wait, or end them with --end-live.`;
    throw new LicetError('conflict', 'AUTHORITY_IN_USE', message);
  }
  const ended = await translated(endCertificates(deps, found, live));
  // One that was lost signs nothing more as it is.
  const isHere = (await signer.keys()).some(({ id }) => id === key);
  if (isHere && authority.status !== 'retired') await translated(signer.retireKey(key));
  const retired: Authority = { ...authority, status: 'retired' };
  await directory.save(retired, {
    action: 'authority.retired',
    actor: 'system:operator',
    details: { live: live.count, ended },
  });
  return { authority: retired, live, ended };
}

/**
 * Licenses that have this authority in their chain. A CA below it that was certified anew by its successor has signed
 * the younger ones under that: sites keep the chain that they were given.
 */
async function liveBelow(deps: RetireDeps, { authority, generation }: Opened): Promise<Live> {
  const { directory, transactions, certificates, clock } = deps;
  const at = clock.now();
  const { key, organization, enterprise, held } = authority;
  const below = await transactions.run('platform', (tx) => certificates.below(tx, key, at), { readOnly: true });
  const signed: SignedBy[] = [{ issuer: key }];
  // What a CA has signed whose key is elsewhere is known to its own server only.
  const itself = held ? [] : await ofKey(deps, { organization, enterprise }, generation.chain[0]!);
  const delegated = itself.map(({ certificate }) => certificate.notAfter);
  for (const { certificate } of below) {
    const { extensions, notAfter } = decodeCertificate(certificate);
    const one = await directory.byKeyIdentifier(extensions.subjectKeyIdentifier!);
    if (one === undefined) continue;
    const isMoved = one.authority.parent !== key;
    if (!one.authority.held) delegated.push(notAfter);
    else signed.push({ issuer: one.authority.key, upTo: isMoved ? one.generation.chain[0]!.notBefore : undefined });
  }
  const live = await transactions.run('platform', (tx) => certificates.live(tx, signed, at), { readOnly: true });
  const ends = [...delegated, ...(live.until === undefined ? [] : [live.until])].map((end) => end.getTime());
  return {
    count: live.count + delegated.length,
    until: ends.length === 0 ? undefined : new Date(Math.max(...ends)),
  };
}

/** Nobody revokes a root: it ends by being trusted no more, and from then on it is not shown, nor what it vouches for. */
async function checkRootUnused({ directory }: RetireDeps, { key }: Authority): Promise<void> {
  const below = (await directory.list({ parent: key, limit: MOST_BELOW })).filter(({ status }) => status !== 'retired');
  if (below.length === 0) return;
  const named = below.map((one) => `${one.kind} ${one.key}`).join(', ');
  const message = `Below this root are CAs in use (${named}): make their successors below another root, and retire them first.`;
  throw new LicetError('conflict', 'AUTHORITY_IN_USE', message);
}

async function endCertificates(
  deps: RetireDeps,
  { authority, generation }: Opened,
  live: Live,
): Promise<Retired['ended']> {
  const { directory, revoker, clock } = deps;
  if (authority.kind === 'root') return 'trusted no more';
  const own = generation.chain[0]!;
  const now = clock.now();
  const all = [own, ...(authority.former ?? []).map((der) => decodeCertificate(der))];
  // What works on below it, in its grace, has to be ended all the same.
  const counting = live.count > 0 ? all : all.filter(({ notAfter }) => notAfter > now);
  if (counting.length === 0) return 'expired';
  const parent = authority.parent === undefined ? undefined : await directory.find(authority.parent);
  if (parent === undefined) return 'to be revoked elsewhere';
  if (!parent.authority.held) {
    // Above an enterprise that keeps its own CA, the organization publishes the list.
    if (parent.authority.kind !== 'root' || parent.authority.addresses.crls.length === 0)
      return 'to be revoked elsewhere';
    await checkRootsRevoke(deps, counting);
    return 'revoked by its root';
  }
  const { organization, enterprise } = authority;
  const event = { type: 'revoke', reason: 'superseded' } as const;
  const order = { organization, event, principal: 'system:operator', context: { retired: authority.key } };
  const found = await ofKey(deps, { organization, enterprise }, own);
  for (const { issuer, certificate } of found) await revoker.change(order, { issuer, serial: certificate.serial });
  // Those are the ones that have not ended.
  if (own.notAfter <= now) await endedAfterItsEnd(deps, order, { issuer: parent.authority.key, serial: own.serial });
  return 'revoked';
}

async function endedAfterItsEnd(
  { revoker, revocations }: RetireDeps,
  order: RevocationOrder,
  id: CertificateId,
): Promise<void> {
  const [known] = await revocations.find([id]);
  if (known !== undefined && step(known.state, order.event) === 'applied') await revoker.change(order, id);
}

/** An offline root revokes by the next CRL of its ceremony, which is published here: all that the key was ever given. */
async function checkRootsRevoke(deps: RetireDeps, certificates: readonly Certificate[]): Promise<void> {
  const good: string[] = [];
  for (const { serial, extensions } of certificates) {
    const root = await deps.directory.byKeyIdentifier(extensions.authorityKeyIdentifier!.keyIdentifier!);
    const list = root && (await listOf(deps, root.authority.key));
    if (list?.find(serial) === undefined) good.push(toHex(serial));
  }
  if (good.length === 0) return;
  const message = `The root does not revoke it yet: hold "licet ceremony crl" with the serial ${good.join(', ')} under "revoked", and import what that made.`;
  throw new LicetError('conflict', 'AUTHORITY_NOT_REVOKED', message);
}

async function listOf({ revocations }: RetireDeps, issuer: string): Promise<CertificateList | undefined> {
  const published = await revocations.published({ issuer, shard: 0 });
  if (published === undefined) return undefined;
  const parts: Uint8Array[] = [];
  for await (const part of revocations.parts(published)) parts.push(part);
  return decodeCertificateList(Buffer.concat(parts));
}
