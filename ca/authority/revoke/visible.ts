import {
  type Bytes,
  createAlgorithm,
  CrlEntryScanner,
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
  /** Undefined for a CA that signs nothing here any more: neither its lists nor its answers are to be had. */
  readonly generationOf: (key: string) => Promise<IssuerGeneration | undefined>;
  /** As a stranger gets it, from the address in the certificate; in parts, because it may have a million entries. */
  readonly fetchCrl: (address: string) => Promise<AsyncIterable<Uint8Array>>;
  readonly askOcsp: (address: string, request: Uint8Array) => Promise<Uint8Array>;
};

/** `hidden`: certificates that were revoked long enough ago and are not seen to be; each a serial and where it is missing. */
export type Visibility = { readonly looked: number; readonly hidden: readonly string[] };

/** What is younger may still be on its way. */
const GRACE_MS = 30_000;
const LOOK_AT = 100;

/**
 * Asks from outside for what was revoked last, by the addresses that its certificate names, and says what does not
 * appear: that a CRL was published is not that anybody can see it. Where nobody answers, nothing is seen.
 */
export async function proveVisible(deps: VisibilityDeps): Promise<Visibility> {
  const { store, clock } = deps;
  const now = clock.now();
  const latest = (await store.latest(LOOK_AT)).filter(
    ({ changedAt }) => now.getTime() - changedAt.getTime() > GRACE_MS,
  );
  const known = await store.find(latest);
  const hidden: string[] = [];
  const listed = new Map<string, Set<string>>();
  let looked = 0;
  for (const [i, id] of latest.entries()) {
    const certificate = known[i];
    const generation = await deps.generationOf(id.issuer);
    if (certificate === undefined || certificate.state.state === 'valid' || generation === undefined) continue;
    looked += 1;
    const { crls, ocsp } = generation.addresses!;
    const address = crls[certificate.crlShard]!;
    const serials = listed.get(address) ?? new Set();
    // An entry may leave with the first CRL after its certificate could be used for the last time.
    if (certificate.graceUntil >= now) listed.set(address, serials.add(toHex(id.serial)));
    // No responder outlives its CA, whose lists go on for the grace of what it has signed.
    const hasResponder = ocsp !== undefined && generation.certificate!.notAfter >= now;
    if (hasResponder) hidden.push(...(await hiddenIn(ocsp, () => unknownTo(deps, ocsp, generation, id))));
  }
  for (const [address, serials] of listed) {
    hidden.push(...(await hiddenIn(address, () => missingIn(deps, address, serials))));
  }
  return { looked, hidden };
}

async function hiddenIn(address: string, look: () => Promise<readonly string[]>): Promise<readonly string[]> {
  try {
    return (await look()).map((serial) => `${serial} in ${address}`);
  } catch (error) {
    return [`everything in ${address} (${error instanceof Error ? error.message : String(error)})`];
  }
}

/** Of these serials those that are not on the list, whatever else is: it passes by, and is never held as a whole. */
async function missingIn(
  { fetchCrl }: VisibilityDeps,
  address: string,
  serials: Set<string>,
): Promise<readonly string[]> {
  const missing = new Set(serials);
  const scanner = new CrlEntryScanner();
  for await (const part of await fetchCrl(address)) {
    for (const { serial } of scanner.push(part)) missing.delete(toHex(serial));
  }
  scanner.finish();
  return [...missing];
}

async function unknownTo(
  { askOcsp }: VisibilityDeps,
  address: string,
  generation: IssuerGeneration,
  id: CertificateId,
): Promise<readonly string[]> {
  const response = decodeOcspResponse(await askOcsp(address, requestFor(generation, id)));
  return response.basic?.responses[0]?.status.kind === 'revoked' ? [] : [toHex(id.serial)];
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
