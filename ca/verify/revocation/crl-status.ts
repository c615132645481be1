import type { CertificateList, CrlEntry, RevocationReason } from '@licet/format';
import { nameKey } from '../names/directory.ts';
import { type Context, checkSignedBy } from '../path/context.ts';
import type { Task } from '../signatures/check.ts';
import { belongsTo, isDelta } from './crl-delta.ts';
import { entryFor } from './crl-entry.ts';
import { ALL_REASONS, crlIssuersOf, impliedPoint, reasonsCovered } from './crl-scope.ts';
import { type Target, signerOf } from './crl-signer.ts';
import { usability } from './crl-usable.ts';
import type { Status } from './status.ts';

/** What was learnt so far about one certificate: the state of RFC 5280 §6.3.2. */
type Search = { readonly covered: Set<RevocationReason>; stale: boolean; detail: string };

/**
 * RFC 5280 §6.3.3: what the CRLs at hand say of one certificate. It is good only when CRLs that may speak of it do, for
 * every reason, and none of them lists it.
 */
export function* crlStatus(target: Target, context: Context): Task<Status> {
  const { certificate } = target;
  const search: Search = { covered: new Set(), stale: false, detail: 'there is no CRL for it' };
  const points = [...(certificate.extensions.crlDistributionPoints ?? []), impliedPoint(certificate)];
  for (const point of points) {
    for (const crl of crlsOf(crlIssuersOf(point, certificate).map(nameKey), context)) {
      context.budget.spendComparisons(1);
      const reasons = reasonsCovered(crl, certificate, point);
      if (reasons === undefined || [...reasons].every((reason) => search.covered.has(reason))) continue;
      const named = point.crlIssuer !== undefined;
      const revocation = yield* consult(crl, reasons, { ...target, named }, search, context);
      if (revocation !== undefined) return revocation;
      if ([...ALL_REASONS].every((reason) => search.covered.has(reason))) return { kind: 'good' };
    }
  }
  const detail = search.covered.size > 0 ? 'the CRLs at hand do not cover every reason' : search.detail;
  return { kind: 'unknown', stale: search.stale, detail };
}

/** The newest first, so that an older list of the same scope has nothing to add. */
function crlsOf(issuers: readonly string[], { pool }: Context): CertificateList[] {
  const crls = issuers.flatMap((issuer) => pool.crls.get(issuer) ?? []).filter((crl) => !isDelta(crl));
  return crls.sort((a, b) => b.thisUpdate.getTime() - a.thisUpdate.getTime());
}

/** One complete CRL with its deltas. */
function* consult(
  crl: CertificateList,
  reasons: ReadonlySet<RevocationReason>,
  target: Target & { readonly named: boolean },
  search: Search,
  context: Context,
): Task<Status | undefined> {
  const usable = usability(crl, context.at);
  if (usable.kind === 'unusable') {
    search.detail = usable.detail;
    return undefined;
  }
  const signer = yield* signerOf(crl, target, context);
  if (signer === undefined) {
    search.detail = 'nobody who may sign the CRL has signed it';
    return undefined;
  }
  context.vouched.add(crl);
  let entry = entryFor(target.certificate, crl);
  for (const delta of deltasOf(crl, context)) {
    if ((yield* checkSignedBy(delta, signer, context)) !== 'valid') continue;
    context.vouched.add(delta);
    entry = entryFor(target.certificate, delta) ?? entry;
  }
  const listed = entry === undefined || entry.reason === 'removeFromCRL' ? undefined : revoked(entry);
  if (usable.kind === 'usable') for (const reason of reasons) search.covered.add(reason);
  else search.stale = true;
  if (search.stale) search.detail = 'the CRL is out of date';
  // A list that is out of date proves nothing good, but a revocation is for good; only a hold can end.
  return usable.kind === 'stale' && entry?.reason === 'certificateHold' ? undefined : listed;
}

/** Oldest first: each says more than the one before. */
function deltasOf(crl: CertificateList, { pool, at }: Context): CertificateList[] {
  const all = pool.crls.get(nameKey(crl.issuer)) ?? [];
  const own = all.filter((delta) => isDelta(delta) && belongsTo(delta, crl) && usability(delta, at).kind === 'usable');
  return own.sort((a, b) => a.thisUpdate.getTime() - b.thisUpdate.getTime());
}

function revoked({ revokedAt, reason }: CrlEntry): Status {
  return { kind: 'revoked', revokedAt, reason };
}
