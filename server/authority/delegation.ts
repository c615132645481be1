import {
  checkRequest,
  keyAlgorithmOf,
  keyIdentifierOf,
  type KeySource,
  loadProfiles,
  type Revoker,
} from '@licet/authority';
import { decodeCertificate, equalBytes, type Name, OID, type PublicKeyInfo, toHex } from '@licet/format';
import { LicetError } from '../licensing/errors.ts';
import type { DelegatedAuthority, DelegatedContract, Delegation } from '../licensing/ports/delegation.ts';
import type { Opened } from './directory.ts';
import {
  certifyEnterprise,
  type EnterpriseCertificateDeps,
  isStillGood,
  ofKey,
  parentFor,
  supersedeMore,
} from './enterprise-certificate.ts';
import { translated } from './errors.ts';
import type { Fence } from './fence.ts';
import type { Authority } from './ports/authorities.ts';

export type DelegationDeps = EnterpriseCertificateDeps & {
  readonly fence: Fence;
  readonly revoker: Revoker;
  readonly publish: { readonly base: string };
};

const PROFILE = loadProfiles().enterprise;
/** Generations of all CAs of one enterprise, in all its life. */
const MOST = 1000;

/** CAs of enterprises that keep their keys themselves: certified here, and known here by their certificates only. */
export function createDelegation(deps: DelegationDeps): Delegation {
  return {
    certify: (of, csr) => translated(certify(deps, of, csr)),
    follow: (of) => translated(follow(deps, of)),
    revoke: (of, order) => translated(revoke(deps, of, order)),
  };
}

async function certify(deps: DelegationDeps, of: DelegatedContract, csr: Uint8Array): Promise<DelegatedAuthority> {
  deps.fence.assertOpen();
  const { publicKey, subject } = checkRequest(csr, PROFILE);
  checkSubject(subject, of);
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
  const inOffice = await deps.directory.active(roleOf(of));
  if (inOffice === undefined || inOffice.authority.held) return;
  const { publicKey, subject } = inOffice.generation.chain[0]!;
  const commonName = valueIn(subject, OID.commonName) ?? '';
  const key = { held: { publicKey: publicKey.raw } };
  const present = (await isStillGood(deps, inOffice, of.contract))
    ? inOffice
    : await take(deps, of, { key, publicKey, commonName, inOffice, isSameKey: true });
  await supersedeMore(deps, of, present.generation.chain[0]!);
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
  const { organization, enterprise, contract } = of;
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
  if (isSameKey) await supersedeMore(deps, { organization, enterprise }, certificate);
  const opened = await directory.find(id);
  if (opened !== undefined) return opened;
  throw new Error(`The authority ${id} was saved and is not there.`);
}

/** Every generation: whoever stole one key may have had the others too. */
async function revoke(
  deps: DelegationDeps,
  { organization, enterprise, contract }: Parameters<Delegation['revoke']>[0],
  { reason, actor }: Parameters<Delegation['revoke']>[1],
): Promise<number> {
  const { directory, revoker } = deps;
  const all = await directory.list({ organization, kind: 'enterprise', enterprise, limit: MOST });
  const order = {
    organization,
    event: { type: 'revoke', reason },
    principal: actor,
    context: { contract },
  } as const;
  let revoked = 0;
  for (const authority of all.filter((one) => !one.held && one.contract === contract)) {
    const own = decodeCertificate(authority.certificate);
    for (const { issuer, certificate } of await ofKey(deps, { organization, enterprise }, own)) {
      await revoker.change(order, { issuer, serial: certificate.serial });
      revoked += 1;
    }
    if (authority.status !== 'retired') {
      await directory.save({ ...authority, status: 'retired' }, { action: 'authority.retired', actor });
    }
  }
  return revoked;
}

function answerOf({ generation: { chain } }: Opened): DelegatedAuthority {
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
