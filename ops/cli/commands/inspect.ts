import {
  type Certificate,
  type CertificateList,
  type CertificationRequest,
  decodeCertificate,
  decodeCertificateList,
  decodeCertificationRequest,
  decodeCertsOnly,
  decodeClaims,
  decodeOcspResponse,
  describe,
  FormatError,
  formatName,
  type GeneralName,
  OID,
  oidName,
  type OcspResponse,
  type PemBlock,
  type PublicKeyInfo,
  toHex,
} from '@licet/format';
import type { Command } from 'commander';
import { EXIT } from '../exit-codes.ts';
import { CliError, type CliIo } from '../io.ts';
import { printable } from '../printable.ts';
import { derBlocks, readInput } from '../read-input.ts';

/** `licet inspect`: what stands in a file, with its claims in words. Says nothing about whether it can be trusted. */
export function register(program: Command, io: CliIo): void {
  program
    .command('inspect')
    .description('Shows any certificate, request, CRL, OCSP response or site.lic. Nothing is verified.')
    .argument('<file>', 'PEM or DER; "-" for standard input')
    .action(async (file: string) => {
      io.out(printable(inspect(await readInput(file, io), file)));
      io.exit(EXIT.ok);
    });
}

function inspect(input: Buffer, file: string): string[] {
  try {
    return derBlocks(input).flatMap((block) => [...account(block), '']);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    throw new CliError(EXIT.unknown, error.code, `${file}: ${error.message}.`);
  }
}

const READERS: readonly { readonly labels: readonly string[]; readonly read: (der: Uint8Array) => string[] }[] = [
  { labels: ['CERTIFICATE'], read: (der) => ofCertificate(decodeCertificate(der)) },
  {
    labels: ['CERTIFICATE REQUEST', 'NEW CERTIFICATE REQUEST'],
    read: (der) => ofRequest(decodeCertificationRequest(der)),
  },
  { labels: ['X509 CRL'], read: (der) => ofList(decodeCertificateList(der)) },
  { labels: ['OCSP RESPONSE'], read: (der) => ofOcsp(decodeOcspResponse(der)) },
  {
    labels: ['CMS', 'PKCS7'],
    read: (der) => decodeCertsOnly(der).flatMap((one) => [...ofCertificate(decodeCertificate(one)), '']),
  },
];

function account({ label, bytes }: PemBlock): string[] {
  const known = READERS.find(({ labels }) => labels.includes(label));
  if (known) return known.read(bytes);
  if (label !== '') return [`${label}: ${bytes.length} bytes, not shown`];
  const failures: FormatError[] = [];
  for (const { read } of READERS) {
    try {
      return read(bytes);
    } catch (error) {
      if (!(error instanceof FormatError)) throw error;
      failures.push(error);
    }
  }
  // What got furthest into the bytes most likely knows what they were meant to be.
  throw failures.sort((a, b) => b.path.length - a.path.length)[0]!;
}

function ofCertificate(certificate: Certificate): string[] {
  const { extensions } = certificate;
  const claims = extensions.all.find(({ oid }) => oid === OID.licenseClaims);
  const kind = extensions.basicConstraints?.ca ? 'CA certificate' : claims ? 'License' : 'Certificate';
  return [
    `${kind} of ${formatName(certificate.subject) || '(no name)'}`,
    `  issued by ${formatName(certificate.issuer)}, serial ${toHex(certificate.serial)}`,
    `  valid from ${certificate.notBefore.toISOString()} to ${certificate.notAfter.toISOString()}`,
    `  key ${keyOf(certificate.publicKey)}, signed with ${nameOf(certificate.signatureAlgorithm.oid)}`,
    ...usage(certificate),
    ...(claims ? ['  claims:', ...ofClaims(claims.value).map((line) => `    ${line}`)] : []),
  ];
}

function usage({ extensions }: Certificate): string[] {
  const { basicConstraints, keyUsage, extendedKeyUsage, subjectAltName, nameConstraints, all } = extensions;
  const { certificatePolicies } = extensions;
  const row = (name: string, values: readonly string[] | undefined) =>
    values && values.length > 0 ? [`  ${name}: ${values.join(', ')}`] : [];
  const depth = basicConstraints?.pathLength;
  const unknown = all.filter(({ oid }) => oidName(oid) === undefined).map(({ oid }) => oid);
  return [
    ...(depth === undefined ? [] : [`  CAs allowed below: ${depth}`]),
    ...row('names', subjectAltName?.map(generalName)),
    ...row('key usage', keyUsage && [...keyUsage]),
    ...row('for', extendedKeyUsage?.map(nameOf)),
    ...row(
      'policies',
      certificatePolicies?.map(({ oid }) => nameOf(oid)),
    ),
    ...row('only names in', nameConstraints?.permitted.map(generalName)),
    ...row('no names in', nameConstraints?.excluded.map(generalName)),
    ...row('other extensions', unknown),
  ];
}

function ofClaims(value: Uint8Array): string[] {
  try {
    return describe(decodeClaims(value));
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return [`cannot be read: ${error.message}`];
  }
}

function ofRequest(request: CertificationRequest): string[] {
  const wanted = request.requestedExtensions?.all.map(({ oid }) => nameOf(oid)) ?? [];
  return [
    `Certification request of ${formatName(request.subject) || '(no name)'}`,
    `  key ${keyOf(request.publicKey)}, signed with ${nameOf(request.signatureAlgorithm.oid)}`,
    ...(wanted.length > 0 ? [`  asks for: ${wanted.join(', ')}`] : []),
    ...(request.requestedExtensions?.subjectAltName?.map((name) => `  name: ${generalName(name)}`) ?? []),
  ];
}

const MOST_ENTRIES = 20;

function ofList(crl: CertificateList): string[] {
  const { crlNumber } = crl.extensions;
  const shown: string[] = [];
  for (const { serial, revokedAt, reason } of crl.entries()) {
    if (shown.length === MOST_ENTRIES) break;
    shown.push(`    ${toHex(serial)} since ${revokedAt.toISOString()}${reason ? ` (${reason})` : ''}`);
  }
  const more = crl.entryCount - shown.length;
  return [
    `CRL of ${formatName(crl.issuer)}${crlNumber === undefined ? '' : `, number ${crlNumber}`}`,
    `  from ${crl.thisUpdate.toISOString()} to ${crl.nextUpdate?.toISOString() ?? '(not said)'}`,
    `  revoked: ${crl.entryCount}`,
    ...shown,
    ...(more > 0 ? [`    and ${more} more`] : []),
  ];
}

function ofOcsp({ status, basic }: OcspResponse): string[] {
  if (!basic) return [`OCSP response: ${status}`];
  return [
    `OCSP response, produced at ${basic.producedAt.toISOString()}`,
    ...basic.responses.map(({ certId, status, thisUpdate, nextUpdate }) => {
      const until = nextUpdate ? ` to ${nextUpdate.toISOString()}` : '';
      return `  ${toHex(certId.serial)}: ${status.kind}, from ${thisUpdate.toISOString()}${until}`;
    }),
  ];
}

const nameOf = (oid: string): string => oidName(oid) ?? oid;

function keyOf({ algorithm, key }: PublicKeyInfo): string {
  return `${nameOf(algorithm.oid)} (${key.length} bytes)`;
}

function generalName(name: GeneralName): string {
  switch (name.kind) {
    case 'email':
    case 'dns':
    case 'uri':
      return `${name.kind}:${name.value}`;
    case 'directory':
      return `directory:${formatName(name.name)}`;
    case 'ip':
      return `ip:${[...name.bytes].join('.')}`;
    default:
      return name.kind;
  }
}
