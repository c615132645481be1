import { assertBinding } from '../contracts/claims.ts';
import type { Contract } from '../model/contract.ts';
import type { Transaction } from '../ports/transactions.ts';
import { readCsr } from '../read-csr.ts';
import type { Dependencies } from '../use-case.ts';
import { assertOwnNames, type SiteName } from './asked-names.ts';

export type FirstRequest = {
  readonly csr: Uint8Array;
  /** Undefined: it is begun with this request. */
  readonly lineage: string | undefined;
  /** How many of its machine are known. */
  readonly fingerprints: number;
};

/** What a first license is asked for. */
export type FirstPlace = SiteName & { readonly contract: Pick<Contract, 'terms'> };

/**
 * Everything that a first request itself is refused for, by whatever way it came: before a site is made for it, a token is
 * used with it or a person is asked about it.
 */
export async function judgeFirstRequest(
  { issuance }: Pick<Dependencies, 'issuance'>,
  tx: Transaction,
  { csr, lineage, fingerprints }: FirstRequest,
  { contract, ...names }: FirstPlace,
): Promise<void> {
  await issuance.checkRequest(tx, csr, lineage);
  assertOwnNames(readCsr(csr), names);
  assertBinding(contract.terms, fingerprints);
}
