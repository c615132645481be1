import {
  type Bytes,
  type Certificate,
  decodeCertificate,
  decodeCertsOnly,
  decodePem,
  FormatError,
  OID,
  type PemBlock,
} from '@licet/format';
import { readOrUndefined } from './path/pool.ts';
import { RecentlyUsed } from './recently-used.ts';
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
  return { leaf, others: others(parts, leaf), crls, ocsp };
}

/** The very list of a text that was met before, where the license stands in front of it. */
function others({ certificates, rest }: Parts, leaf: Certificate): readonly Bytes[] {
  return rest !== undefined && certificates[0] === leaf.der ? rest : certificates.filter((der) => der !== leaf.der);
}

type Parts = {
  readonly certificates: Bytes[];
  readonly crls: Bytes[];
  readonly ocsp: Bytes[];
  /** All certificates but the first, when what stands behind that is remembered. */
  readonly rest?: readonly Bytes[];
};

/** What stands behind the license is the same for all sites of an enterprise: these texts take at most 2 MB. */
const MOST_CHAINS = 128;
const LONGEST = 16_384;
const chains = new RecentlyUsed<string, Parts>(MOST_CHAINS);

function split(input: string | Uint8Array): Parts {
  if (typeof input !== 'string' && input[0] === 0x30) {
    const single = readOrUndefined(input, decodeCertificate);
    return { certificates: single ? [input] : decodeCertsOnly(input), crls: [], ocsp: [] };
  }
  const text = typeof input === 'string' ? input : new TextDecoder().decode(input);
  const cut = text.indexOf(FIRST_END) + FIRST_END.length;
  // The front counts as well: a part of a text keeps all of it alive.
  const chain = cut < FIRST_END.length || text.length > LONGEST ? undefined : text.slice(cut);
  const known = chain === undefined ? undefined : chains.get(chain);
  if (known !== undefined) return withFirst(decodePem(text.slice(0, cut)), known);
  const blocks = decodePem(text);
  if (chain === undefined || blocks.length < 2) return sort(blocks);
  const rest = sort(blocks.slice(1));
  chains.set(chain, rest);
  return withFirst(blocks.slice(0, 1), rest);
}

/** In text that can be read, the first such line ends the first block, and what is behind it can be read by itself. */
const FIRST_END = '\n-----END CERTIFICATE-----\n';

function withFirst(first: readonly PemBlock[], rest: Parts): Parts {
  const certificates = [...sort(first).certificates, ...rest.certificates];
  return { ...rest, certificates, rest: rest.certificates };
}

function sort(blocks: readonly PemBlock[]): Parts {
  const parts: Parts = { certificates: [], crls: [], ocsp: [] };
  for (const { label, bytes } of blocks) {
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
