import type { Mode } from '@licet/format';

/** The successive licenses of one site, each renewing the one before. Its id is the `id` of the licenses' claims. */
export type Lineage = {
  readonly id: string;
  readonly organization: string;
  readonly site: string;
  /** The sequence of the newest license. */
  readonly sequence: number;
  /** Serial of the newest license, lower-case hexadecimal. */
  readonly head: string;
  /** `forked`: two requests named the same predecessor; an operator must choose. `closed`: site retired or moved on. */
  readonly status: 'live' | 'forked' | 'closed';
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
  readonly status: 'current' | 'superseded' | 'suspended' | 'revoked';
};
