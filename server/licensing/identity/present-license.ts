import { createBatcher, outcomeOf } from '@licet/authority';
import {
  type Bytes,
  type Certificate,
  type CertificationRequest,
  decodeCertificate,
  equalBytes,
  FormatError,
  type Name,
  OID,
  type Predecessor,
  predecessorOf,
  toHex,
} from '@licet/format';
import { type Code, isRenewalProof, isRequestProof, type SignedRequest, verifyLicenseSync } from '@licet/verify';
import { LicetError } from '../errors.ts';
import { SLUG } from '../model/entity.ts';
import type { SiteStatus } from '../model/site.ts';
import { anchorsOf } from '../licenses/anchors.ts';
import { bundleOf } from '../licenses/bundle.ts';
import { orBusy } from '../licenses/busy.ts';
import type { Clock } from '../ports/clock.ts';
import type { PresentedLicense } from '../ports/enrolment.ts';
import type { FoundLicense, IssuedLicense, LicenseName } from '../ports/issuance.ts';
import type { RenewalCase, Standing } from '../ports/licenses.ts';
import type { Dependencies } from '../use-case.ts';

export type ShownLicense = Pick<Standing, 'organization' | 'serial' | 'enterprise' | 'site' | 'status'> & {
  readonly siteStatus: SiteStatus;
};

/** What was issued under a serial, how it stands now, and what decides about its renewal if that was looked up too. */
export type LicenseRecord = {
  readonly issued: IssuedLicense;
  readonly license: ShownLicense;
  readonly renewal?: RenewalCase;
};

/** With its status, and that of its site, at that moment. */
export type Presented = PresentedLicense & Pick<ShownLicense, 'status' | 'siteStatus'>;

export type PresentDeps = {
  readonly clock: Clock;
  /** Undefined: the organization has no such license. */
  readonly record: (organization: string, serial: string) => Promise<LicenseRecord | undefined>;
};

const BATCH = 256;
const QUEUE = 4096;

/**
 * Licenses that are shown at a time share one look: at what was issued, and at how it stands. Most are shown to be
 * renewed, so what decides about that is in the same look.
 */
export function recordsOf({ clock, transactions, stores, issuance }: Dependencies): PresentDeps {
  const look = (names: readonly LicenseName[]) =>
    transactions.run(
      'platform',
      (tx) => Promise.all([issuance.look(tx, names), stores.licenses.renewalCases(tx, names)]),
      { readOnly: true, onePlan: true },
    );
  const records = createBatcher<LicenseName, LicenseRecord | undefined>({
    name: 'licenses',
    async work(names) {
      const [found, cases] = await look(names);
      return Promise.all(names.map((name, i) => outcomeOf(recordOf(name, found[i]!, cases[i]))));
    },
    batch: BATCH,
    queue: QUEUE,
    lanes: 1,
  });
  return { clock, record: (organization, serial) => orBusy(records.submit({ organization, serial })) };
}

async function recordOf(
  { organization, serial }: LicenseName,
  find: FoundLicense,
  renewal: RenewalCase | undefined,
): Promise<LicenseRecord | undefined> {
  if (renewal === undefined) return undefined;
  const issued = await find();
  if (issued === undefined) return undefined;
  const { enterprise, site, namedStatus: status } = renewal;
  const names = { organization, serial, enterprise: enterprise.id, site: site.id };
  return { issued, license: { ...names, status, siteStatus: site.status }, renewal };
}

/**
 * Who a TLS client is that shows a license for its renewal. TLS has seen that it holds the key and nothing else: here it
 * is found out whether the certificate is one of ours, byte for byte, whether our own verifier takes it for good or for
 * expired within its grace, and what the database says of its serial at this moment, also on a connection that has
 * been open for days.
 */
export async function presentLicense(shown: Bytes, deps: PresentDeps): Promise<Presented> {
  const certificate = readShown(shown);
  const known = await lookUp(organizationIn(certificate.subject), toHex(certificate.serial), deps);
  if (known === undefined || !equalBytes(known.der, certificate.der)) throw unknown();
  return judged(known, certificate, deps.clock.now());
}

/**
 * The same where no TLS handshake shows the license: a request that came as a file, or was made with a key that TLS
 * cannot use. It names its predecessor, and the key of that has signed the key of the request.
 */
export async function presentByProof(request: CertificationRequest, deps: PresentDeps): Promise<Presented> {
  const predecessor = readPredecessor(request);
  const known = await lookUp(organizationIn(request.subject), toHex(predecessor.serial), deps);
  if (known === undefined) throw unknown();
  const license = decodeCertificate(Uint8Array.from(known.der));
  if (!isRenewalProof(license.publicKey, request.publicKey.raw, predecessor.signature)) {
    const message = 'The request names a license and is not signed by the key of that; make it where that key is.';
    throw new LicetError('forbidden', 'PROOF_WRONG', message);
  }
  return judged(known, license, deps.clock.now());
}

/** The same for a request of the API that the key of a license has signed. Whether it came before is not seen here. */
export async function presentBySignature(
  request: SignedRequest,
  signature: Bytes,
  deps: PresentDeps,
): Promise<Presented> {
  const known = await lookUp(request.organization, request.serial, deps);
  if (known === undefined) throw unknown();
  const license = decodeCertificate(Uint8Array.from(known.der));
  if (!isRequestProof(license.publicKey, request, signature)) {
    const message =
      'The request is not signed by the key of the license that it names, or was changed on its way; sign it where that key is.';
    throw new LicetError('forbidden', 'PROOF_WRONG', message);
  }
  return judged(known, license, deps.clock.now());
}

/** Whether the request can be one for `presentByProof`. */
export const namesPredecessor = ({ attributes }: CertificationRequest): boolean =>
  attributes.some(({ oid }) => oid === OID.predecessorSerial);

type Known = LicenseRecord & { readonly der: Uint8Array };

const organizationIn = (subject: Name): string =>
  subject.rdns.flat().find(({ oid }) => oid === OID.organizationName)?.value ?? '';

/** `serial` as rows name a license: hexadecimal, in the content octets of the INTEGER. */
async function lookUp(organization: string, serial: string, deps: PresentDeps): Promise<Known | undefined> {
  if (!SLUG.test(organization)) return undefined;
  const record = await deps.record(organization, serial);
  const [der] = record?.issued.chain ?? [];
  return record && der && { ...record, der };
}

function judged({ issued, license, renewal }: Known, certificate: Certificate, at: Date): Presented {
  checkStatus(license);
  const { isExpired } = judge(issued, at);
  const { organization, enterprise, site, serial, status, siteStatus } = license;
  return {
    serial,
    certificate,
    isExpired,
    status,
    siteStatus,
    ...(renewal && { renewal }),
    principal: { kind: 'site', id: `site:${site}`, organization, roles: ['site'], enterprise, site },
  };
}

function readPredecessor(request: CertificationRequest): Predecessor {
  try {
    const predecessor = predecessorOf(request);
    if (predecessor !== undefined) return predecessor;
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new LicetError('invalid', 'CSR_INVALID', `The request names its license wrongly: ${error.message}`);
  }
  throw unknown();
}

function readShown(shown: Bytes): Certificate {
  try {
    return decodeCertificate(shown);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw unknown();
  }
}

const unknown = (): LicetError =>
  new LicetError(
    'forbidden',
    'LICENSE_UNKNOWN',
    'What was shown is no license of this authority; show the license of the site.',
  );

function checkStatus({ status }: ShownLicense): void {
  if (status === 'revoked') {
    throw new LicetError('forbidden', 'LICENSE_REVOKED', 'This license is revoked; ask your vendor for a new one.');
  }
  if (status === 'suspended') {
    throw new LicetError('forbidden', 'LICENSE_SUSPENDED', 'This license is suspended; ask your vendor why.');
  }
}

/** What a product at the site has to look at. It says nothing against a renewal, which is how most of it is put right. */
const OF_THE_SITE: ReadonlySet<Code> = new Set([
  'BINDING_MISMATCH',
  'CONTACT_OVERDUE',
  'REPORT_OVERDUE',
  'STATUS_STALE',
  'STATUS_UNKNOWN',
]);

function judge({ chain }: IssuedLicense, at: Date): { readonly isExpired: boolean } {
  // The root is the one that stands with what we issued: whether the bytes are ours was the question before.
  const { codes, graceUntil } = verifyLicenseSync(bundleOf({ chain }), { anchors: anchorsOf(chain.at(-1)!), at });
  const [why] = codes.filter(({ code, severity }) => severity === 'error' && !OF_THE_SITE.has(code));
  if (why === undefined) return { isExpired: codes.some(({ code }) => code === 'IN_GRACE') };
  if (graceUntil !== undefined && graceUntil < at) {
    throw new LicetError(
      'forbidden',
      'LICENSE_EXPIRED',
      `This license has expired and its grace ended at ${graceUntil.toISOString()}; enrol again with a new token.`,
    );
  }
  throw new LicetError('forbidden', 'LICENSE_NOT_VALID', `This license is not valid: ${why.detail}`);
}
