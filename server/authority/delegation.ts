import { checkRequest, keyAlgorithmOf, keyIdentifierOf, type KeySource, loadProfiles } from '@licet/authority';
import { equalBytes, type Name, OID, type PublicKeyInfo, toHex } from '@licet/format';
import { LicetError } from '../licensing/errors.ts';
import type { DelegatedAuthority, DelegatedContract, Delegation } from '../licensing/ports/delegation.ts';
import { type Opened, shownChain } from './directory.ts';
import {
  certifyEnterprise,
  type EnterpriseCertificateDeps,
  isLater,
  isStillGood,
  ofKey,
  type OfKey,
  parentFor,
  stillCounts,
} from './enterprise-certificate.ts';
import { translated } from './errors.ts';
import type { Fence } from './fence.ts';
import type { Authority } from './ports/authorities.ts';

export type DelegationDeps = EnterpriseCertificateDeps & {
  readonly fence: Fence;
  readonly publish: { readonly base: string };
};

const PROFILE = loadProfiles().enterprise;

/** CAs of enterprises that keep their keys themselves: certified here, and known here by their certificates only. */
export function createDelegation(deps: DelegationDeps): Delegation {
  return {
    certify: (of, csr) => translated(certify(deps, of, csr)),
    follow: (of) => translated(follow(deps, of)),
  };
}

async function certify(deps: DelegationDeps, of: DelegatedContract, csr: Uint8Array): Promise<DelegatedAuthority> {
  deps.fence.assertOpen();
  const { publicKey, subject } = checkRequest(csr, PROFILE);
  checkSubject(subject, of);
  // Another process may have taken one out of office.
  await deps.directory.refresh();
  const inOffice = await deps.directory.active(roleOf(of));
  if (inOffice?.authority.held === true) {
    const message =
      'A CA of this server signs the licenses of this contract; make another for the CA of the enterprise.';
    throw new LicetError('conflict', 'AUTHORITY_EXISTS', message);
  }
  const isSameKey = inOffice !== undefined && equalBytes(inOffice.authority.keyIdentifier, keyIdentifierOf(publicKey));
  if (isSameKey && (await isStillGood(deps, inOffice, of.contract))) return answerOf(inOffice);
  const former = await deps.directory.byKeyIdentifier(keyIdentifierOf(publicKey));
  if (former !== undefined && !isSameKey) {
    const message = 'This key was that of a CA before; make a new key for its successor.';
    throw new LicetError('conflict', 'KEY_REUSED', message, { pointer: '/csr' });
  }
  const commonName = valueIn(subject, OID.commonName) ?? '';
  return answerOf(await take(deps, of, { key: { csr }, publicKey, commonName, inOffice, isSameKey }));
}

async function follow(deps: DelegationDeps, of: DelegatedContract): Promise<void> {
  deps.fence.assertOpen();
  await deps.directory.refresh();
  const inOffice = await deps.directory.active(roleOf(of));
  if (inOffice === undefined || inOffice.authority.held) return;
  if ((await isStillGood(deps, inOffice, of.contract)) && (await stillCounts(deps, inOffice))) return;
  const later = await laterThan(deps, inOffice, of);
  if (later !== undefined) {
    await deps.directory.save({ ...inOffice.authority, certificate: later.certificate.der, parent: later.issuer });
    return;
  }
  const { publicKey, subject } = inOffice.generation.chain[0]!;
  const commonName = valueIn(subject, OID.commonName) ?? '';
  const key = { held: { publicKey: publicKey.raw } };
  await take(deps, of, { key, publicKey, commonName, inOffice, isSameKey: true });
}

/** One that a backup did not know and the journal did: what it says was decided later, and is not undone. */
async function laterThan(
  deps: DelegationDeps,
  { generation }: Opened,
  of: DelegatedContract,
): Promise<OfKey | undefined> {
  const found = await ofKey(deps, of, generation.chain[0]!);
  return found.findLast(({ certificate }) => isLater(certificate, of.contract));
}

type Taken = {
  readonly key: KeySource;
  readonly publicKey: PublicKeyInfo;
  readonly commonName: string;
  readonly inOffice: Opened | undefined;
  /** As of the one in office; another follows it. */
  readonly isSameKey: boolean;
};

async function take(deps: DelegationDeps, of: DelegatedContract, taken: Taken): Promise<Opened> {
  const { directory, publish, clock } = deps;
  const { organization, contract } = of;
  const { key, publicKey, commonName, inOffice, isSameKey } = taken;
  const keyIdentifier = keyIdentifierOf(publicKey);
  const id = toHex(keyIdentifier);
  const parent = await parentFor(deps, organization, contract);
  const certificate = await certifyEnterprise(deps, {
    customer: of,
    contract,
    parent,
    key,
    keyOwner: `authority ${id}`,
    commonName,
    after: isSameKey ? inOffice?.generation.chain[0] : undefined,
    isDelegated: true,
  });
  const authority: Authority = {
    ...roleOf(of),
    key: id,
    // The profile takes no other keys than these.
    algorithm: keyAlgorithmOf(publicKey)!,
    parent: parent.authority.key,
    held: false,
    keyIdentifier,
    certificate: certificate.der,
    addresses: { caIssuers: `${publish.base}/ca/${id}.cer`, ocsp: undefined, crls: [] },
    status: 'active',
    createdAt: clock.now(),
  };
  const before: Authority[] =
    inOffice === undefined || isSameKey ? [] : [{ ...inOffice.authority, status: 'crl-only' }];
  await directory.saveAll([...before, authority], {
    action: 'authority.delegated',
    actor: 'system:authority',
    details: { contract: contract.id },
  });
  const opened = await directory.find(id);
  if (opened !== undefined) return opened;
  throw new Error(`The authority ${id} was saved and is not there.`);
}

function answerOf(opened: Opened): DelegatedAuthority {
  const chain = shownChain(opened);
  const { serial, notBefore, notAfter } = chain[0]!;
  return { serial: toHex(serial), chain: chain.map(({ der }) => der), notBefore, notAfter };
}

/** Who signs the wrong request by mistake is told so; of what it asks for nothing but the common name is taken. */
function checkSubject(subject: Name, { organization, enterprise }: DelegatedContract): void {
  const named = [valueIn(subject, OID.organizationName), valueIn(subject, OID.organizationalUnitName)];
  if (named[0] === organization && named[1] === enterprise) return;
  const message = `The request is of "${named[1] ?? ''}" of "${named[0] ?? ''}" and the contract of "${enterprise}" of "${organization}".`;
  throw new LicetError('invalid', 'NAME_INVALID', message, { pointer: '/csr' });
}

const valueIn = ({ rdns }: Name, oid: string): string | undefined =>
  rdns.flat().find((part) => part.oid === oid)?.value;

const roleOf = ({ organization, enterprise, contract }: DelegatedContract) =>
  ({ organization, kind: 'enterprise', enterprise, contract: contract.id }) as const;
