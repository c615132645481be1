import type { Bytes, RawExtension } from '@licet/format';
import type { Code, PathOptions } from '../../index.ts';
import { AT, type Made, ca, leaf, root } from '../certificate-kit.ts';

export type Chain = {
  readonly leaf: Made;
  readonly intermediates?: readonly Made[];
  readonly anchors: readonly Made[];
  readonly crls?: readonly Bytes[];
  readonly at?: Date;
  /** What `openssl verify` is asked as well, besides the chain. */
  readonly options?: Partial<PathOptions>;
};

/** One chain and what must be said of it: nothing, or exactly these codes. */
export type Case = {
  readonly name: string;
  readonly codes: readonly Code[];
  readonly chain: Chain;
};

export function pathOptions({ anchors, intermediates = [], crls, at = AT, options }: Chain): PathOptions {
  return {
    anchors: anchors.map(({ der }) => der),
    intermediates: intermediates.map(({ der }) => der),
    at,
    ...(crls === undefined ? {} : { crls }),
    purpose: 'serverAuth',
    ...options,
  };
}

type Extensions = Record<string, RawExtension | undefined>;

/** root → leaf, with something about the leaf. */
export function onLeaf(name: string, codes: readonly Code[], wish: Parameters<typeof leaf>[1]): Case {
  const anchor = root();
  return { name, codes, chain: { anchors: [anchor], leaf: leaf(anchor, wish) } };
}

/** root → CA → leaf, with something about the CA. */
export function onCa(
  name: string,
  codes: readonly Code[],
  wish: Parameters<typeof ca>[1],
  below: Extensions = {},
): Case {
  const anchor = root();
  const issuer = ca(anchor, wish);
  return { name, codes, chain: { anchors: [anchor], intermediates: [issuer], leaf: leaf(issuer, { with: below }) } };
}

/** root → leaf, with something about the root. */
export function onRoot(
  name: string,
  codes: readonly Code[],
  wish: Parameters<typeof root>[0],
  below: Extensions = {},
): Case {
  const anchor = root(wish);
  return { name, codes, chain: { anchors: [anchor], leaf: leaf(anchor, { with: below }) } };
}
