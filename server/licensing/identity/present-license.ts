import {
  type Bytes,
  type Certificate,
  decodeCertificate,
  encodePem,
  equalBytes,
  FormatError,
  OID,
  toHex,
} from '@licet/format';
import { type Code, TrustAnchors, verifyLicenseSync } from '@licet/verify';
import { LicetError } from '../errors.ts';
import { SLUG } from '../model/entity.ts';
import type { License } from '../model/license.ts';
import type { Clock } from '../ports/clock.ts';
import type { PresentedLicense } from '../ports/enrolment.ts';
import type { IssuedLicense } from '../ports/issuance.ts';

export type PresentDeps = {
  readonly clock: Clock;
  /** What was issued under this serial: `Issuance.find`. */
  readonly find: (organization: string, serial: string) => Promise<IssuedLicense | undefined>;
  /** The row of the license, as it stands now. */
  readonly license: (organization: string, serial: string) => Promise<License | undefined>;
};

/**
 * Who a TLS client is that shows a license for its renewal. TLS has seen that it holds the key and nothing else: here it
 * is found out whether the certificate is one of ours, byte for byte, whether our own verifier takes it for good or for
 * expired within its grace, and what the database says of its serial at this moment, also on a connection that has
 * been open for days.
 */
export async function presentLicense(chain: readonly Bytes[], deps: PresentDeps): Promise<PresentedLicense> {
  const certificate = readLeaf(chain);
  const organization = attributeOf(certificate, OID.organizationName);
  const serial = serialText(certificate.serial);
  if (!SLUG.test(organization)) throw unknown();
  const [issued, license] = await Promise.all([deps.find(organization, serial), deps.license(organization, serial)]);
  const [ours] = issued?.chain ?? [];
  if (issued === undefined || license === undefined || ours === undefined || !equalBytes(ours, certificate.der)) {
    throw unknown();
  }
  checkStatus(license);
  const { isExpired } = judge(issued, deps.clock.now());
  return {
    serial: license.serial,
    certificate: certificate.der,
    isExpired,
    principal: {
      kind: 'site',
      id: `site:${license.site}`,
      organization,
      roles: ['site'],
      enterprise: license.enterprise,
      site: license.site,
    },
  };
}

function readLeaf([leaf]: readonly Bytes[]): Certificate {
  try {
    if (leaf !== undefined) return decodeCertificate(leaf);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
  }
  throw unknown();
}

const attributeOf = ({ subject }: Certificate, oid: string): string =>
  subject.rdns.flat().find((attribute) => attribute.oid === oid)?.value ?? '';

/** As rows name a license: hexadecimal, in the content octets of the INTEGER. */
const serialText = (serial: Bytes): string => toHex(serial);

const unknown = (): LicetError =>
  new LicetError(
    'forbidden',
    'LICENSE_UNKNOWN',
    'The TLS client certificate is no license of this authority; show the license of the site.',
  );

function checkStatus({ status }: License): void {
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
  const bundle = chain.map((der) => encodePem('CERTIFICATE', der)).join('');
  // The root is the one that stands with what we issued: whether the bytes are ours was the question before.
  const { codes, graceUntil } = verifyLicenseSync(bundle, { anchors: TrustAnchors.fromDer(chain.slice(-1)), at });
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
