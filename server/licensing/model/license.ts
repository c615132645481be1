import type { Mode } from '@licet/format';

/** The successive licenses of one site, each renewing the one before. Its id is the `id` of the licenses' claims. */
export type Lineage = {
  readonly id: string;
  readonly organization: string;
  readonly site: string;
  /** The highest of its licenses; 0 before the first. */
  readonly sequence: number;
  /** Serial of the license that it goes on from, lower-case hexadecimal: the newest, or the survivor of a fork. */
  readonly head: string | undefined;
  /** `forked`: two requests named the same predecessor; an operator must choose. `closed`: site retired or moved on. */
  readonly status: 'live' | 'forked' | 'closed';
  /** Its site is suspended: what is issued meanwhile is suspended too. */
  readonly held: boolean;
  /** The serial that was renewed twice, while it is forked. */
  readonly forkedFrom: string | undefined;
};

/** One issued license as the domain sees it; the certificate itself is with the authority's store. */
export type License = {
  readonly organization: string;
  readonly enterprise: string;
  readonly contract: string;
  readonly site: string;
  readonly lineage: string;
  readonly sequence: number;
  /** Lower-case hexadecimal, with the key that issued it: the only identity of a certificate. */
  readonly serial: string;
  readonly issuerKey: string;
  /** Serial of the license it renews. Each predecessor has one successor: this is the ratchet. */
  readonly predecessor: string | undefined;
  readonly mode: Mode;
  readonly notBefore: Date;
  readonly notAfter: Date;
  readonly status: LicenseStatus;
  readonly publicKey: Uint8Array;
  /** How it was renewed, or is being renewed. */
  readonly renewal: RenewalUse | undefined;
  /** The license that took its place by a change of the site: a renewal of this one is a renewal of that one. */
  readonly reissuedAs: string | undefined;
};

export type LicenseStatus = 'current' | 'superseded' | 'suspended' | 'revoked';

/** The one use of a predecessor. */
export type RenewalUse = {
  /** SHA-256 of the request. */
  readonly request: Uint8Array;
  /** SHA-256 of the public key in it. */
  readonly publicKey: Uint8Array;
  readonly at: Date;
  /** The serial that came of it; undefined while it is under way. */
  readonly successor: string | undefined;
};
