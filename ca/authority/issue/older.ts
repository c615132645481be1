import type { Certificate } from '@licet/format';
import { claimsOf } from '../signer/policy/bound-key.ts';

/**
 * Whether of two certificates of one CA the first was made before the second. A CA that is some minutes old gives all
 * below it the same beginning, which is its own (`validity.ts`): then their claims tell.
 */
export function isOlder(one: Certificate, other: Certificate): boolean {
  const later = other.notBefore.getTime() - one.notBefore.getTime();
  if (later !== 0) return later > 0;
  return (claimsOf(one)?.sequence ?? 0) < (claimsOf(other)?.sequence ?? 0);
}
