import { createBatcher } from '@licet/authority';
import { decodeCertificate } from '@licet/format';
import type { AuthorityName, Standing } from '../ports/licenses.ts';
import type { Transaction } from '../ports/transactions.ts';
import type { Dependencies } from '../use-case.ts';
import { orBusy } from './busy.ts';

/** As they stand in the database now. */
export type Standings = {
  /** Undefined: the organization has no such license. */
  license(organization: string, serial: string): Promise<Standing | undefined>;
  /** Whether one of the CAs above a license, the root last, is revoked or on hold, as of this change or later. */
  isIssuerRevoked(chain: readonly Uint8Array[], change: string): Promise<boolean>;
};

const BATCH = 256;
const QUEUE = 4096;

/**
 * What the database says at the moment of asking, for every call and never out of a memory: what was revoked, by whatever
 * server, is revoked in the next answer of each. Calls that arrive together share one look, so this costs no more than a
 * memory would.
 */
export function createStandings({ transactions, stores }: Dependencies): Standings {
  // The asks may be of several organizations; each names its own and finds its rows only.
  const look = <T>(work: (tx: Transaction) => Promise<readonly T[]>) =>
    transactions.run('platform', work, { readOnly: true, onePlan: true });
  const licenses = createBatcher<{ readonly organization: string; readonly serial: string }, Standing | undefined>({
    name: 'validation',
    work: async (asks) => (await look((tx) => stores.licenses.standings(tx, asks))).map((value) => ({ value })),
    batch: BATCH,
    queue: QUEUE,
    lanes: 1,
  });
  const checked = new WeakMap<Uint8Array, { readonly change: string; readonly isRevoked: Promise<boolean> }>();
  return {
    license: (organization, serial) => orBusy(licenses.submit({ organization, serial })),
    isIssuerRevoked(chain, change) {
      const [nearest] = chain;
      if (nearest === undefined) return Promise.resolve(false);
      const known = checked.get(nearest);
      if (known?.change === change) return known.isRevoked;
      const isRevoked = look((tx) => stores.licenses.revokedAuthorities(tx, namesOf(chain))).then(
        (revoked) => revoked.length > 0,
      );
      checked.set(nearest, { change, isRevoked });
      // What could not be read is read by the next who asks.
      isRevoked.catch(() => checked.delete(nearest));
      return isRevoked;
    },
  };
}

/** By key identifier of the issuer and serial. */
function namesOf(chain: readonly Uint8Array[]): readonly AuthorityName[] {
  const certificates = chain.slice(0, -1).map((der) => decodeCertificate(Uint8Array.from(der)));
  return certificates.map(({ serial, extensions }) => ({
    issuer: extensions.authorityKeyIdentifier?.keyIdentifier ?? new Uint8Array(),
    serial,
  }));
}
