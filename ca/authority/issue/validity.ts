import type { Claims } from '@licet/format';
import { AuthorityError } from '../errors.ts';
import type { Profile } from '../profiles/profile.ts';
import type { IssuerGeneration } from './issuer-generation.ts';

/** Clocks of sites run late by minutes: a license that is not valid yet when it arrives is a support case. */
const BACK_DATING_MS = 5 * 60_000;

export type Validity = { readonly notBefore: Date; readonly notAfter: Date };

/** The whole life of the profile, cut to the issuer's, to what was asked for, and to the contract of an enterprise. */
export function validityOf(
  profile: Profile,
  issuer: IssuerGeneration,
  { now, until, claims }: { now: Date; until: Date | undefined; claims: Claims | undefined },
): Validity {
  const at = now.getTime();
  for (const above of issuer.chain) {
    const { notBefore: begin, notAfter: end } = above;
    if (at < begin.getTime()) {
      const message = `A certificate of the issuer is valid from ${begin.toISOString()} to ${end.toISOString()} only.`;
      throw new AuthorityError('ISSUER_NOT_VALID', message);
    }
    if (at > end.getTime()) {
      const message = `A certificate of the issuer ended at ${end.toISOString()}: another has to take its place first.`;
      throw new AuthorityError('ISSUER_ENDED', message);
    }
  }
  const notBefore = wholeSecond(Math.max(at - BACK_DATING_MS, issuer.certificate?.notBefore.getTime() ?? -Infinity));
  const ends = [
    // RFC 5280 §4.1.2.5: the last second belongs to the validity.
    notBefore + profile.lifetime * 1000 - 1000,
    issuer.certificate?.notAfter.getTime() ?? Infinity,
    until?.getTime() ?? Infinity,
    // The term is half open, the validity closed. What is below an enterprise is cut by its certificate.
    profile.name === 'enterprise' && claims !== undefined ? claims.term.to.getTime() - 1000 : Infinity,
  ];
  const notAfter = wholeSecond(Math.min(...ends));
  if (notAfter <= at) {
    throw new AuthorityError('ISSUER_NOT_VALID', 'The certificate would have ended before it was issued.');
  }
  return { notBefore: new Date(notBefore), notAfter: new Date(notAfter) };
}

const wholeSecond = (time: number) => Math.floor(time / 1000) * 1000;
