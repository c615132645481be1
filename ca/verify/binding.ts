import { type Claims, concatBytes, fromHex, toHex } from '@licet/format';
import { sha256 } from './sha256.ts';
import type { Findings } from './verdict.ts';

const CONTEXT = new TextEncoder().encode('licet fingerprint v1\0');

/**
 * What stands in a license for one fingerprint of its machine (a machine id, a disk serial, a board serial: any text).
 * The id of the grant is the salt: the same machine looks different in every license, and a table made for one is of no
 * use for another.
 */
export function fingerprintDigest(id: string, fingerprint: string): string {
  const salt = fromHex(id.replaceAll('-', ''));
  return toHex(sha256(concatBytes(CONTEXT, salt, new TextEncoder().encode(fingerprint))));
}

/** @param fingerprints of this machine; undefined when the product did not look. */
export function checkBinding(effective: Claims, fingerprints: readonly string[] | undefined, findings: Findings): void {
  const { binding, id } = effective;
  if (binding === undefined) return;
  const refuse = (detail: string) => findings.refuse('invalid', 'BINDING_MISMATCH', detail, 'binding');
  if (binding.digests === 'any') {
    refuse(`The chain demands that the license is bound to ${binding.need} fingerprints, and it names none.`);
    return;
  }
  if (fingerprints === undefined) {
    // A product that forgets to look must not thereby unbind the license.
    refuse('The license is bound to a machine, and the product handed in no fingerprints to compare.');
    return;
  }
  const here = new Set(fingerprints.map((fingerprint) => fingerprintDigest(id, fingerprint)));
  const matching = binding.digests.filter((digest) => here.has(digest)).length;
  if (matching >= binding.need) return;
  refuse(`${matching} of ${binding.digests.length} fingerprints match this machine, and ${binding.need} are needed.`);
}
