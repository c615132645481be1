import { encodePem } from '@licet/format';
import type { Evidence } from './site-folder.ts';

/** What `@licet/verify/node` takes in one answer is 1 MiB. */
const MOST_CHARACTERS = 1_000_000;

/**
 * The license with its chain, and behind it what tells about revocation, so that a product that only asks here knows what
 * the agent knows. The smallest first: where the list of a large CA has no room, the OCSP response says the same.
 */
export function withEvidence(license: string, { crls, ocsp }: Evidence): string {
  const pieces = [
    ...ocsp.map((der) => encodePem('OCSP RESPONSE', der)),
    ...crls.map((der) => encodePem('X509 CRL', der)),
  ];
  let whole = license.endsWith('\n') ? license : `${license}\n`;
  for (const piece of pieces.sort((a, b) => a.length - b.length)) {
    if (whole.length + piece.length <= MOST_CHARACTERS) whole += piece;
  }
  return whole;
}
