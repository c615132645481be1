import { createHash } from 'node:crypto';
import { crlInForce, type PublishedCrl, type ReadyCrl, type RevocationStore } from '@licet/authority';
import { type Certificate, type CrlEntry, decodeCertificateList, equalBytes, toHex } from '@licet/format';
import { checkCrlSync } from '@licet/verify';
import { LicetError } from '../licensing/errors.ts';

export type RootCrls = Pick<RevocationStore, 'exclusively' | 'published' | 'parts' | 'publish' | 'lastChange'>;

/** A root has one list. */
const SHARD = 0;

/** A CA below the root that is taken into office, or only known. */
type Below = {
  readonly key: { readonly id: string };
  readonly chain: readonly [Certificate, ...Certificate[]];
  readonly root: Certificate;
  readonly isNewest: boolean;
};

/** Of all lists the one that this root has in force; with `below`, checked for what it says of that CA. */
export function inForceOf(lists: readonly ReadyCrl[], root: Uint8Array, at: Date, below?: Below): ReadyCrl | undefined {
  const own = lists.filter(({ crl }) => {
    const signer = crl.extensions.authorityKeyIdentifier?.keyIdentifier;
    return signer !== undefined && equalBytes(signer, root);
  });
  if (lists.length === 0) return undefined;
  const found = crlInForce(own, at);
  if (found === undefined) {
    throw refusal('Among the CRLs is none in force of the root above; give the folder of its "licet ceremony crl".');
  }
  if (below !== undefined) checkSays(found, at, below);
  return found;
}

function checkSays({ name, crl }: ReadyCrl, at: Date, { key, chain, root, isNewest }: Below): void {
  const { status, detail } = checkCrlSync(crl, { cert: chain[0], issuer: root, at });
  if (status === 'good' || (status === 'revoked' && !isNewest)) return;
  if (status === 'revoked') {
    const message = `The CRL ${name} of the root revokes the CA of key ${key.id}: make its successor by the ceremony.`;
    throw new LicetError('conflict', 'AUTHORITY_REVOKED', message);
  }
  // A CA that is followed by another may have ended; of those the list need not speak.
  if (!isNewest && chain[0].notAfter <= at) return;
  throw refusal(`The CRL ${name} of the root cannot be published: ${detail}.`);
}

/**
 * Undefined: it was published before. Rejects with CRL_REFUSED when a later one was, or when something that was revoked
 * would not be any more: a list made before the revocation may begin after it.
 */
export async function publishRootCrl(
  store: RootCrls,
  issuer: string,
  { name, crl }: ReadyCrl,
  now: Date,
): Promise<bigint | undefined> {
  const { der, thisUpdate, nextUpdate, entryCount } = crl;
  const number = crl.extensions.crlNumber;
  if (number === undefined || nextUpdate === undefined) throw refusal('A CRL of the root has no number or no end.');
  const id = { issuer, shard: SHARD };
  const present = await store.published(id);
  if (present?.number === number) return undefined;
  const done = await store.exclusively(id, async (hold) => {
    const lost = present && (await readList(store, present)).find(({ serial }) => crl.find(serial) === undefined);
    if (lost !== undefined) {
      const serial = toHex(lost.serial);
      const remedy = `remove the lists from before it; from a later ceremony, hold that again, with this serial under "revoked"`;
      throw refusal(`The CRL ${name} has forgotten the revocation of ${serial}: ${remedy}.`);
    }
    const sha256 = new Uint8Array(createHash('sha256').update(der).digest());
    const covers = await store.lastChange();
    const size = der.length;
    const header = {
      ...id,
      number,
      size,
      entries: entryCount,
      sha256,
      thisUpdate,
      nextUpdate,
      publishedAt: now,
      covers,
    };
    await store.publish(hold, header, der);
    return number;
  });
  if (done === undefined) {
    throw new LicetError('unavailable', 'BUSY', 'Another process publishes the CRL of the root; import again.');
  }
  return done;
}

async function readList(store: RootCrls, crl: PublishedCrl): Promise<CrlEntry[]> {
  const parts: Uint8Array[] = [];
  for await (const part of store.parts(crl)) parts.push(part);
  return [...decodeCertificateList(Buffer.concat(parts)).entries()];
}

const refusal = (message: string): LicetError => new LicetError('conflict', 'CRL_REFUSED', message);
