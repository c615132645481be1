import {
  type Bytes,
  createAlgorithm,
  decodeCertificateList,
  decodeOcspResponse,
  encodeCertId,
  encodeOcspRequest,
  OID,
  toHex,
} from '@licet/format';
import { createHash } from 'node:crypto';
import type { IssuerGeneration } from '../issue/issuer-generation.ts';
import type { Clock } from '../ports/clock.ts';
import type { CertificateId, RevocationStore } from '../ports/revocation-store.ts';

export type VisibilityDeps = {
  readonly store: Pick<RevocationStore, 'latest' | 'find'>;
  readonly clock: Clock;
  readonly generationOf: (key: string) => Promise<IssuerGeneration | undefined>;
  /** As a stranger gets it, from the address in the certificate. */
  readonly fetchCrl: (address: string) => Promise<Uint8Array>;
  readonly askOcsp: (address: string, request: Uint8Array) => Promise<Uint8Array>;
};

/** `hidden`: certificates that were revoked long enough ago and are not seen to be; each a serial and where it is missing. */
export type Visibility = { readonly looked: number; readonly hidden: readonly string[] };

/** What is younger may still be on its way. */
const GRACE_MS = 30_000;
const LOOK_AT = 100;

/**
 * Asks from outside for what was revoked last, by the addresses that its certificate names, and says what does not
 * appear: that a CRL was published is not that anybody can see it.
 */
export async function proveVisible(deps: VisibilityDeps): Promise<Visibility> {
  const { store, clock } = deps;
  const before = clock.now().getTime() - GRACE_MS;
  const latest = (await store.latest(LOOK_AT)).filter(({ changedAt }) => changedAt.getTime() < before);
  const known = await store.find(latest);
  const hidden: string[] = [];
  const crls = new Map<string, Set<string>>();
  let looked = 0;
  for (const [i, id] of latest.entries()) {
    const certificate = known[i];
    const generation = await deps.generationOf(id.issuer);
    if (certificate === undefined || certificate.state.state === 'valid' || generation === undefined) continue;
    looked += 1;
    const { crls: addresses, ocsp } = generation.addresses!;
    const address = addresses[certificate.crlShard]!;
    let listed = crls.get(address);
    if (listed === undefined) crls.set(address, (listed = serialsOf(await deps.fetchCrl(address))));
    const isExpired = certificate.notAfter < clock.now();
    if (!isExpired && !listed.has(toHex(id.serial))) hidden.push(`${toHex(id.serial)} in ${address}`);
    if (ocsp === undefined) continue;
    const response = decodeOcspResponse(await deps.askOcsp(ocsp, requestFor(generation, id)));
    if (response.basic?.responses[0]?.status.kind !== 'revoked') hidden.push(`${toHex(id.serial)} at ${ocsp}`);
  }
  return { looked, hidden };
}

function serialsOf(der: Uint8Array): Set<string> {
  const serials = new Set<string>();
  for (const { serial } of decodeCertificateList(der).entries()) serials.add(toHex(serial));
  return serials;
}

function requestFor({ certificate }: IssuerGeneration, { serial }: CertificateId): Uint8Array {
  const sha256 = (bytes: Bytes) => new Uint8Array(createHash('sha256').update(bytes).digest());
  const raw = encodeCertId({
    hashAlgorithm: createAlgorithm(OID.sha256),
    issuerNameHash: sha256(certificate!.subject.raw),
    issuerKeyHash: sha256(certificate!.publicKey.key),
    serial,
  });
  return encodeOcspRequest({ requests: [{ raw }] });
}
