import { createBatcher } from '@licet/authority';
import { type Certificate, decodeCertificate } from '@licet/format';
import type { LicenseName } from '../licensing/ports/issuance.ts';
import type { Transaction, Transactions } from '../licensing/ports/transactions.ts';
import { CertificateMemory } from './certificate-memory.ts';
import type { Directory, Opened } from './directory.ts';
import { translated } from './errors.ts';
import type { CertificateFinder } from './ports/certificates.ts';

/** A license as it was issued, and the CA that stands above it now. */
export type FoundIssued = { readonly certificate: Certificate; readonly by: Opened };

type Finding = Promise<FoundIssued | undefined>;

export type LicenseFinder = {
  find(name: LicenseName): Finding;
  /** The same for several, within a transaction; to be called when that is over. */
  look(tx: Transaction, names: readonly LicenseName[]): Promise<readonly (() => Finding)[]>;
};

export type LicenseFinderDeps = {
  readonly transactions: Transactions;
  readonly certificates: Pick<CertificateFinder, 'licenses'>;
  readonly directory: Pick<Directory, 'find'>;
};

/** Certificates of one statement, and how many may wait for theirs. */
const LOOK_UPS = { batch: 256, queue: 4096 } as const;
const SERIAL = /^(?:[\da-f]{2}){1,20}$/;

type Read = { readonly issuer: string; readonly certificate: Certificate };

/**
 * Licenses by their serials, each read and decoded once, those that are asked for together in one look; who stands above
 * it is asked for anew each time.
 */
export function createLicenseFinder({ transactions, certificates, directory }: LicenseFinderDeps): LicenseFinder {
  const memory = new CertificateMemory<Read>();

  async function read(tx: Transaction, names: readonly LicenseName[]): Promise<readonly (Read | undefined)[]> {
    const known = names.map((name) => memory.get(keyOf(name)));
    const wanted = names.filter(({ serial }, i) => known[i] === undefined && SERIAL.test(serial));
    const found = wanted.length === 0 ? [] : await certificates.licenses(tx, wanted);
    const fresh = new Map<string, Read>();
    for (const [i, one] of found.entries()) {
      if (one === undefined) continue;
      const key = keyOf(wanted[i]!);
      fresh.set(key, { issuer: one.issuer, certificate: decodeCertificate(one.certificate) });
      memory.keep(key, fresh.get(key)!);
    }
    return names.map((name, i) => known[i] ?? fresh.get(keyOf(name)));
  }

  const lookUps = createBatcher<LicenseName, Read | undefined>({
    name: 'licenses',
    async work(names) {
      const found = await transactions.run('platform', (tx) => read(tx, names), { readOnly: true, onePlan: true });
      return found.map((value) => ({ value }));
    },
    ...LOOK_UPS,
    lanes: 1,
  });

  async function below(one: Read | undefined): Finding {
    const by = one && (await directory.find(one.issuer));
    return by && { certificate: one.certificate, by };
  }

  return {
    async find(name) {
      if (!SERIAL.test(name.serial)) return undefined;
      return below(memory.get(keyOf(name)) ?? (await translated(lookUps.submit(name))));
    },
    async look(tx, names) {
      return (await read(tx, names)).map((one) => () => below(one));
    },
  };
}

const keyOf = ({ organization, serial }: LicenseName): string => `${organization} ${serial}`;
