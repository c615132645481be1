import { CLAIMS_LIMITS, compareCodes, fingerprintsOf, FormatError } from '@licet/format';
import { fingerprintDigest } from '@licet/verify';
import { z } from 'zod';
import { changed } from '../entities.ts';
import { LicetError } from '../errors.ts';
import { text } from '../fields.ts';
import type { Site } from '../model/site.ts';
import { readCsr } from '../read-csr.ts';
import { type Dependencies, parsed, type Work } from '../use-case.ts';

export const fingerprints = z
  .array(text(256))
  .max(CLAIMS_LIMITS.digests)
  .refine((list) => new Set(list).size === list.length, 'must name each fingerprint once')
  .describe('Texts that tell the machine from others; only salted digests of them are kept.')
  .meta({ example: ['machine-id:4c4c4544', 'disk:S3Z8NB0K'] });

/** Those that the site says itself, in its request (PKCS#10, DER). */
export function fingerprintsIn(csr: Uint8Array): string[] | undefined {
  const request = readCsr(csr);
  try {
    const found = fingerprintsOf(request);
    return found === undefined ? undefined : parsed(fingerprints, found);
  } catch (error) {
    if (!(error instanceof FormatError)) throw error;
    const message = `The fingerprints in the request cannot be read: ${error.message}`;
    throw new LicetError('invalid', 'CSR_INVALID', message, { pointer: '/csr', cause: error });
  }
}

/** Binds the site to the machine of its first license, which may be another than that of a request that came to nothing. */
export async function bindTo(
  { stores }: Dependencies,
  { tx, at }: Work,
  site: Site,
  texts: readonly string[],
): Promise<Site> {
  if (texts.length === 0 && site.fingerprints.length === 0) return site;
  const bound = changed(site, at, { fingerprints: fingerprintDigests(site.lineage, texts) });
  await stores.sites.replace(tx, bound);
  return bound;
}

/** What is kept of them: salted by the lineage. */
export const fingerprintDigests = (lineage: string, texts: readonly string[]): string[] =>
  texts.map((one) => fingerprintDigest(lineage, one)).toSorted(compareCodes);
