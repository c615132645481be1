import { type CrlEntryFields, encodeCertificateList, encodeTbsCertificateList, extension } from '@licet/format';
import type { IssuerGeneration } from '../issue/issuer-generation.ts';
import { SIGNATURE_ALGORITHMS } from '../issue/signatures.ts';
import type { Signer } from '../ports/signer.ts';

export type CrlPeriod = { readonly thisUpdate: Date; readonly nextUpdate: Date };

const DAY_MS = 86_400_000;

export type CrlSchedule = {
  readonly from: Date;
  readonly periodDays: number;
  readonly overlapDays: number;
  readonly count: number;
};

/** One behind the other, each good for a while beside its successor: who is late to publish has time to notice. */
export function periodsOf({ from, periodDays, overlapDays, count }: CrlSchedule): CrlPeriod[] {
  const start = Math.floor(from.getTime() / 1000) * 1000;
  return Array.from({ length: count }, (_, i) => ({
    thisUpdate: new Date(start + i * periodDays * DAY_MS),
    nextUpdate: new Date(start + ((i + 1) * periodDays + overlapDays) * DAY_MS),
  }));
}

/** RFC 5280 §5.2.3: from the time, as in all our CRLs, so that a later list has a higher number and nobody counts. */
export const numberOf = ({ thisUpdate }: CrlPeriod): bigint => BigInt(thisUpdate.getTime()) * 1_000_000n;

/**
 * Complete lists, without an issuing distribution point: one list speaks of everything below, and of the root itself,
 * which `openssl verify -crl_check_all` asks for too.
 * For all periods, signed by one order: one line each in the signer's journal.
 */
export async function signCrls(
  signer: Signer,
  issuer: IssuerGeneration,
  periods: readonly CrlPeriod[],
  revoked: readonly CrlEntryFields[],
): Promise<Uint8Array[]> {
  const signatureAlgorithm = { raw: SIGNATURE_ALGORITHMS[issuer.algorithm] };
  const lists = periods.map((period) =>
    encodeTbsCertificateList(
      {
        signatureAlgorithm,
        issuer: issuer.name!,
        ...period,
        extensions: [
          extension.authorityKeyIdentifier({ keyIdentifier: issuer.keyIdentifier }),
          extension.crlNumber(numberOf(period)),
        ],
      },
      revoked,
    ),
  );
  const signatures = await signer.sign(lists.map((bytes) => ({ key: issuer.key, kind: 'crl', bytes })));
  return lists.map((tbs, i) => encodeCertificateList(tbs, signatureAlgorithm, signatures[i]!));
}
