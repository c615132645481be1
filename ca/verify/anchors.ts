import { type Bytes, type Certificate, type NameConstraints, decodeCertificate, decodePem } from '@licet/format';
import { groupByName } from './names/directory.ts';
import type { Purpose } from './path/usage.ts';

/** What an anchor is trusted for, beyond what its certificate says (RFC 5914 §2.5, RFC 5937). */
export type AnchorConstraints = {
  readonly names?: NameConstraints;
  /** How many intermediates may stand below it. */
  readonly pathLength?: number;
  /** Certificate policies that it may vouch for. */
  readonly policies?: readonly string[];
  readonly purposes?: readonly Purpose[];
};

export type AnchorSettings = {
  readonly constraints?: AnchorConstraints;
  /** When the anchor is trusted, instead of the validity of its certificate. */
  readonly validity?: { readonly from: Date; readonly to: Date };
};

export type Anchor = AnchorSettings & { readonly certificate: Certificate };

/**
 * The certificates that are trusted without being signed by anything. They are read once and kept, so that a product
 * that verifies often does so with everything about its vendor at hand.
 *
 *     const anchors = TrustAnchors.fromPem(readFileSync('vendor-root.pem', 'utf8'));
 */
export class TrustAnchors {
  readonly list: readonly Anchor[];
  readonly byName: ReadonlyMap<string, readonly Anchor[]>;
  // TypeScript compares shapes: with a private field no look-alike passes for anchors.
  readonly #made = true;

  private constructor(list: readonly Anchor[]) {
    this.list = list;
    this.byName = groupByName(list, ({ certificate }) => certificate.subject);
  }

  /** Throws a FormatError for text without a certificate, or with one that cannot be read. */
  static fromPem(pem: string, settings: AnchorSettings = {}): TrustAnchors {
    return TrustAnchors.fromDer(
      decodePem(pem, 'CERTIFICATE').map(({ bytes }) => bytes),
      settings,
    );
  }

  static fromDer(certificates: readonly Bytes[], settings: AnchorSettings = {}): TrustAnchors {
    return new TrustAnchors(certificates.map((der) => ({ ...settings, certificate: decodeCertificate(der) })));
  }

  /** Several sets as one: roots of different vendors, each with constraints of its own. */
  static union(...sets: readonly TrustAnchors[]): TrustAnchors {
    return new TrustAnchors(sets.filter((set) => set.#made).flatMap((set) => set.list));
  }
}
