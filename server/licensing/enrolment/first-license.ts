import { equalBytes } from '@licet/format';
import type { Transaction } from '../ports/transactions.ts';
import type { Dependencies } from '../use-case.ts';

/**
 * What came of a first request, for who has lost the answer: `none` yet; the license, as long as it is good; `revoked`; or
 * `other`: it has ended, or the lineage was begun with another key. It is only ever found. A request is no proof of who
 * sends it (one of an RSA or Ed25519 key has the same bytes each time), so made anew it would be a license beside the
 * renewals that came since.
 */
export async function firstLicense(
  { stores }: Pick<Dependencies, 'stores'>,
  tx: Transaction,
  { lineage: id, key, at }: { readonly lineage: string; readonly key: Uint8Array; readonly at: Date },
): Promise<'none' | 'revoked' | 'other' | { readonly serial: string }> {
  const lineage = await stores.licenses.lineage(tx, id);
  if (lineage?.head === undefined) return 'none';
  const first = (await stores.licenses.notOver(tx, id, at)).find(({ predecessor }) => predecessor === undefined);
  if (first === undefined || !equalBytes(first.publicKey, key)) return 'other';
  if (first.status === 'revoked') return 'revoked';
  return first.notAfter < at ? 'other' : { serial: first.serial };
}
