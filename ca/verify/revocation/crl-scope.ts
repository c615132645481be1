import type {
  Certificate,
  CertificateList,
  DistributionPoint,
  DistributionPointName,
  GeneralName,
  Name,
  RevocationReason,
} from '@licet/format';
import { bytesKey } from '../bytes.ts';
import { nameKey, rdnKey, sameName } from '../names/directory.ts';
import { isCa } from '../path/profile.ts';

/** RFC 5280 §4.2.1.13, ReasonFlags: all that a list may be limited to. */
export const ALL_REASONS: ReadonlySet<RevocationReason> = new Set([
  'keyCompromise',
  'cACompromise',
  'affiliationChanged',
  'superseded',
  'cessationOfOperation',
  'certificateHold',
  'privilegeWithdrawn',
  'aACompromise',
]);

/** §6.3.3, last paragraph: any CRL of the certificate's own issuer, whether the certificate points to it or not. */
export function impliedPoint(certificate: Certificate): DistributionPoint {
  return {
    point: { kind: 'full', names: [{ kind: 'directory', name: certificate.issuer }] },
    reasons: undefined,
    crlIssuer: undefined,
  };
}

/** Whose CRLs a distribution point means (§6.3.3 (b) (1)). */
export function crlIssuersOf({ crlIssuer }: DistributionPoint, certificate: Certificate): Name[] {
  if (crlIssuer === undefined) return [certificate.issuer];
  return crlIssuer.flatMap((name) => (name.kind === 'directory' ? [name.name] : []));
}

/** The reasons for which a CRL speaks of a certificate at a distribution point; undefined: it does not (§6.3.3 (b), (d)). */
export function reasonsCovered(
  crl: CertificateList,
  certificate: Certificate,
  point: DistributionPoint,
): ReadonlySet<RevocationReason> | undefined {
  if (!crlIssuersOf(point, certificate).some((name) => sameName(name, crl.issuer))) return undefined;
  const scope = crl.extensions.issuingDistributionPoint;
  if (point.crlIssuer !== undefined && scope?.indirect !== true) return undefined;
  const reasons = point.reasons ?? ALL_REASONS;
  if (scope === undefined) return reasons;
  if (scope.onlyAttributeCertificates) return undefined;
  if (isCa(certificate) ? scope.onlyUserCertificates : scope.onlyCaCertificates) return undefined;
  if (scope.point !== undefined && !meets(scope.point, crl.issuer, point, certificate)) return undefined;
  const limit = scope.onlySomeReasons ?? ALL_REASONS;
  return new Set([...reasons].filter((reason) => limit.has(reason)));
}

/** §6.3.3 (b) (2) (i): one name of the list must be one name of the point, or of its CRL issuer when it has no names. */
function meets(
  listed: DistributionPointName,
  issuer: Name,
  { point, crlIssuer }: DistributionPoint,
  certificate: Certificate,
): boolean {
  const base = crlIssuer?.find((name) => name.kind === 'directory')?.name ?? certificate.issuer;
  const wanted = point === undefined ? (crlIssuer ?? []).map(generalNameKey) : pointKeys(point, base);
  const has = new Set(pointKeys(listed, issuer));
  return wanted.some((key) => has.has(key));
}

function pointKeys(point: DistributionPointName, issuer: Name): string[] {
  if (point.kind === 'full') return point.names.map(generalNameKey);
  return [`directory:${nameKey(issuer)},${rdnKey(point.rdn)}`];
}

function generalNameKey(name: GeneralName): string {
  switch (name.kind) {
    case 'directory':
      return `directory:${nameKey(name.name)}`;
    case 'registeredId':
      return `registeredId:${name.oid}`;
    case 'ip':
      return `ip:${bytesKey(name.bytes)}`;
    case 'dns':
      return `dns:${name.value.toLowerCase()}`;
    case 'uri':
    case 'email':
      return `${name.kind}:${name.value}`;
    default:
      return `${name.kind}:${bytesKey(name.value)}`;
  }
}
