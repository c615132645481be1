import type { KeyDescription } from '../ports/signer.ts';

/** Those whose key the signer holds: one whose key was lost makes no list and gets no responder any more. */
export function withKey<T extends { readonly key: string }>(
  all: readonly T[],
  keys: readonly KeyDescription[],
): readonly T[] {
  const here = new Set(keys.map(({ id }) => id));
  return all.filter(({ key }) => here.has(key));
}
