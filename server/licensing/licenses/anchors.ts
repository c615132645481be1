import { TrustAnchors } from '@licet/verify';

const anchors = new WeakMap<Uint8Array, TrustAnchors>();

/** Of a root that stands above what we issued. The verifier remembers the CAs that it met below the same anchors. */
export function anchorsOf(root: Uint8Array): TrustAnchors {
  const known = anchors.get(root) ?? TrustAnchors.fromDer([root]);
  anchors.set(root, known);
  return known;
}
