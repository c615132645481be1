import {
  type Bytes,
  type Certificate,
  decodeCertificate,
  decodeCertsOnly,
  decodePem,
  FormatError,
  OID,
} from '@licet/format';
import { readOrUndefined } from './path/pool.ts';
import type { Findings } from './verdict.ts';

/** What a license comes in, taken apart. */
export type Bundle = {
  readonly leaf: Certificate;
  readonly others: readonly Bytes[];
  readonly crls: readonly Bytes[];
  readonly ocsp: readonly Bytes[];
};

/** A license has two or three CAs; while authorities change their keys a bundle holds the chains of both. */
const MOST_CERTIFICATES = 32;
/** One list for each CA, and shards of it. */
const MOST_EVIDENCE = 32;
/** A license with its chain takes 6 KiB; the rest is room for CRLs. */
const MOST_BYTES = 8 * 1024 * 1024;

/**
 * Takes `site.lic` apart: PEM with the license, its chain and, where they travel together, CRLs and OCSP responses; or
 * DER of one certificate, or of certs-only CMS. Undefined, with a finding, when there is no license in it.
 */
export function readBundle(input: string | Uint8Array, findings: Findings): Bundle | undefined {
  const malformed = (detail: string) => {
    findings.refuse('invalid', 'MALFORMED', detail);
    return undefined;
  };
  if (input.length > MOST_BYTES) return malformed(`The bundle is larger than ${MOST_BYTES} bytes.`);
  let parts: Parts;
  try {
    parts = split(input);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    return malformed(`The bundle cannot be read: ${error.message}.`);
  }
  const { certificates, crls, ocsp } = parts;
  if (certificates.length === 0) return malformed('The bundle holds no certificate.');
  if (certificates.length > MOST_CERTIFICATES || crls.length + ocsp.length > MOST_EVIDENCE) {
    return malformed(`The bundle holds more than ${MOST_CERTIFICATES} certificates or ${MOST_EVIDENCE} CRLs.`);
  }
  const leaf = findLeaf(certificates);
  if (leaf === undefined) return malformed('The first certificate of the bundle cannot be read.');
  return { leaf, others: certificates.filter((der) => der !== leaf.der), crls, ocsp };
}

type Parts = { readonly certificates: Bytes[]; readonly crls: Bytes[]; readonly ocsp: Bytes[] };

function split(input: string | Uint8Array): Parts {
  if (typeof input !== 'string' && input[0] === 0x30) {
    const single = readOrUndefined(input, decodeCertificate);
    return { certificates: single ? [input] : decodeCertsOnly(input), crls: [], ocsp: [] };
  }
  const text = typeof input === 'string' ? input : new TextDecoder().decode(input);
  const parts: Parts = { certificates: [], crls: [], ocsp: [] };
  for (const { label, bytes } of decodePem(text)) {
    if (label === 'CERTIFICATE') parts.certificates.push(bytes);
    else if (label === 'X509 CRL') parts.crls.push(bytes);
    else if (label === 'OCSP RESPONSE') parts.ocsp.push(bytes);
    else if (label === 'PKCS7' || label === 'CMS') parts.certificates.push(...decodeCertsOnly(bytes));
  }
  return parts;
}

/** The one that says it is a license; without such a one the first, so that a verdict can say what is wrong with it. */
function findLeaf(certificates: readonly Bytes[]): Certificate | undefined {
  let first: Certificate | undefined;
  for (const [i, der] of certificates.entries()) {
    const certificate = readOrUndefined(der, decodeCertificate);
    if (i === 0) first = certificate;
    if (certificate?.extensions.extendedKeyUsage?.includes(OID.licensePurpose) === true) return certificate;
  }
  return first;
}
