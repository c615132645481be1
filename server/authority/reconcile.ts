import type { Issued, KeyDescription } from '@licet/authority';
import { addressesOf, isOlder } from '@licet/authority';
import { type Certificate, decodeClaims, equalBytes, OID, toHex } from '@licet/format';
import { LicetError } from '../licensing/errors.ts';
import type { Opened } from './directory.ts';
import { beginMark, type JournalDeps, replayJournal } from './journal-watch.ts';
import { certificateOf, issuedFrom, type JournalOrder, takenBy } from './lost-order.ts';
import { type LicenseRestoring, type RestoredLicenses, restoreLicenses } from './restore-licenses.ts';
import { type Authority, type AuthorityKind, certifiedAnew } from './ports/authorities.ts';

export type ReconcileDeps = JournalDeps &
  LicenseRestoring & {
    /** For authorities that the database has forgotten: how addresses are made today. */
    readonly publish: { readonly base: string; readonly shards: number };
    /** Months of expiry that certificates to be put back may fall into. */
    readonly makePartitions: (from: Date) => Promise<void>;
  };

export type Reconciled = {
  readonly authorities: number;
  readonly certificates: number;
  /** Orders that were never signed: their serials are taken. */
  readonly serials: number;
  readonly revocations: number;
  /** What the domain knows of them again. */
  readonly domain: RestoredLicenses;
};

const KINDS: ReadonlySet<string> = new Set<AuthorityKind>(['root', 'organization', 'enterprise', 'service']);

/** Puts back what the journal knows and the database does not. May be interrupted and run again. */
export async function reconcile(deps: ReconcileDeps): Promise<Reconciled> {
  const authorities = await restoreAuthorities(deps);
  const restored = { certificates: 0, serials: 0 };
  let domain: RestoredLicenses = { licenses: 0, sites: 0, homeless: new Map() };
  const { revocations } = await replayJournal(deps, {
    async restore(orders) {
      const { certificates, serials } = await restoreOrders(deps, orders);
      restored.certificates += certificates;
      restored.serials += serials;
    },
    async follow(orders, changes) {
      domain = await restoreLicenses(deps, orders, changes);
    },
  });
  return { authorities, ...restored, revocations, domain };
}

async function restoreOrders(
  { directory, transactions, records, makePartitions }: ReconcileDeps,
  orders: readonly JournalOrder[],
): Promise<{ certificates: number; serials: number }> {
  await makePartitions(orders[0]!.at);
  const issued: Issued[] = [];
  const taken: ReturnType<typeof takenBy>[] = [];
  for (const order of orders) {
    const by = await authorityFor(directory, order);
    const { signature } = order;
    if (signature === undefined) taken.push(takenBy(order, by));
    else issued.push(issuedFrom({ ...order, signature }, by));
  }
  return transactions.run('platform', async (tx) => ({
    serials: await records.takeSerials(tx, taken),
    certificates: await records.rebuild(tx, issued),
  }));
}

async function authorityFor(directory: ReconcileDeps['directory'], { issuer, serial }: JournalOrder): Promise<Opened> {
  const found = await directory.find(issuer);
  if (found !== undefined) return found;
  const message = `Serial ${toHex(serial)} was ordered from key ${issuer}, whose certificate is not in the signer: restore its whole folder.`;
  throw new LicetError('conflict', 'KEY_UNKNOWN', message);
}

/** A key that is bound to a CA certificate is an authority, whether the database remembers it or not. Parents first. */
async function restoreAuthorities(deps: ReconcileDeps): Promise<number> {
  const { signer, directory, publish, clock } = deps;
  const keys = (await signer.keys()).filter(({ purpose }) => KINDS.has(purpose));
  const all = keys.flatMap((key) => {
    const certificate = certificateOf(key);
    return certificate === undefined ? [] : [{ key, certificate }];
  });
  const depth = ({ certificate }: { certificate: Certificate }) =>
    certificate.extensions.basicConstraints?.pathLength ?? 0;
  let restored = 0;
  for (const { key, certificate } of all.toSorted((a, b) => depth(b) - depth(a))) {
    const known = await directory.find(key.id);
    if (known !== undefined && isKnown(known, certificate)) continue;
    const authority = known?.authority ?? (await forgotten(key, certificate, { directory, publish, at: clock.now() }));
    if (authority === undefined) continue;
    if (restored === 0) await beginMark(deps);
    await directory.save(certifiedAnew(authority, certificate.der));
    restored += 1;
  }
  return restored;
}

/** Also where the keys, and not the database, are of an older copy. */
const isKnown = ({ generation: { chain } }: Opened, held: Certificate): boolean =>
  equalBytes(chain[0]!.der, held.der) || isOlder(held, chain[0]!);

async function forgotten(
  key: KeyDescription,
  certificate: Certificate,
  { directory, publish, at }: Pick<ReconcileDeps, 'directory' | 'publish'> & { at: Date },
): Promise<Authority | undefined> {
  const { subjectKeyIdentifier, authorityKeyIdentifier } = certificate.extensions;
  if (subjectKeyIdentifier === undefined) return undefined;
  const above = authorityKeyIdentifier?.keyIdentifier;
  const parent = key.purpose === 'root' || above === undefined ? undefined : await directory.byKeyIdentifier(above);
  const kind = key.purpose as AuthorityKind;
  if (kind !== 'root' && parent === undefined) {
    const message = `The database does not know the CA above key ${key.id}: run "licet authority import" first, and then "licet reconcile".`;
    throw new LicetError('conflict', 'AUTHORITY_MISSING', message);
  }
  const shards = kind === 'root' ? 1 : publish.shards;
  const addresses = addressesOf(publish.base, subjectKeyIdentifier, shards);
  // Another one may be in office: an operator decides which, this one answers for what it has signed.
  const role = {
    organization: key.organization,
    kind,
    enterprise: key.enterprise,
    // Below the CA of another server one serves all contracts here.
    contract: parent?.authority.held === true ? contractOf(kind, certificate) : undefined,
  };
  const inOffice = kind === 'root' ? undefined : await directory.active(role);
  return {
    ...role,
    key: key.id,
    algorithm: key.algorithm,
    parent: parent?.authority.key,
    held: true,
    keyIdentifier: subjectKeyIdentifier,
    certificate: certificate.der,
    addresses: kind === 'root' ? { ...addresses, ocsp: undefined } : addresses,
    status: key.retiredAt !== undefined ? 'retired' : inOffice === undefined ? 'active' : 'crl-only',
    createdAt: at,
  };
}

/** The claims of an enterprise's CA speak for its contract. */
function contractOf(kind: AuthorityKind, { extensions }: Certificate): string | undefined {
  const claims = extensions.all.find(({ oid }) => oid === OID.licenseClaims);
  return kind === 'enterprise' && claims !== undefined ? decodeClaims(claims.value).id : undefined;
}
