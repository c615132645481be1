import {
  addressesOf,
  type CertificateStore,
  createIssuer,
  type Issuer,
  IssuerGeneration,
  recover,
  type Settled,
  type Signer,
} from '@licet/authority';
import { decodeCertificate } from '@licet/format';
import { createIssuance } from '../authority/issuance.ts';
import { createDelegation } from '../authority/delegation.ts';
import { Directory } from '../authority/directory.ts';
import type { EnterpriseCertificateDeps } from '../authority/enterprise-certificate.ts';
import { Enterprises } from '../authority/enterprises.ts';
import { createEvaluation, createWidening } from '../authority/evaluation.ts';
import { Fence } from '../authority/fence.ts';
import { createJournalGuard, type JournalGuard } from '../authority/journal-guard.ts';
import { type JournalDeps, JournalLost } from '../authority/journal-watch.ts';
import type { CertificateFinder } from '../authority/ports/certificates.ts';
import { createRevocationReplay } from '../authority/revocation-replay.ts';
import { systemClock as clock } from '../clock.ts';
import { crashPoint } from '../crash-point.ts';
import { EXIT_CODES } from '../config/exit-codes.ts';
import type { Config } from '../config/index.ts';
import { isEvaluation } from '../effective.ts';
import type { Delegation } from '../licensing/ports/delegation.ts';
import type { Issuance } from '../licensing/ports/issuance.ts';
import { auditLog } from '../persistence/audit-log.ts';
import { authorities } from '../persistence/authority/authorities.ts';
import { certificateFinder } from '../persistence/authority/certificate-finder.ts';
import { createCertificateRecords } from '../persistence/authority/certificate-records.ts';
import { createCertificateStore } from '../persistence/authority/certificate-store.ts';
import { journalMarks } from '../persistence/authority/journal-marks.ts';
import { makeCertificatePartitions } from '../persistence/authority/partitions.ts';
import type { Database } from '../persistence/database.ts';
import { takenSteps } from '../persistence/licensing/taken-steps.ts';
import { createIssuedRecorder } from '../persistence/licensing/record-issued.ts';
import { outbox } from '../persistence/outbox.ts';
import { systemRandom as random } from '../random.ts';
import { StartError } from '../start-error.ts';
import { connectRevocation, type RevocationParts } from './revocation.ts';

export type AuthorityGround = {
  readonly config: Config;
  readonly database: Database;
  readonly signer: Signer;
  /** Names this process as the holder of leases. */
  readonly holder: string;
  /** What stands in certificates before /ca, /crl and /ocsp. */
  readonly base: string;
};

/** The authority's rooms, connected; nothing runs by itself yet. */
export type AuthorityParts = RevocationParts & {
  readonly directory: Directory;
  readonly fence: Fence;
  readonly guard: JournalGuard;
  readonly journal: JournalDeps;
  readonly store: CertificateStore;
  readonly issuer: Issuer;
  /** Completes or closes the orders that are older and that nobody has finished. */
  readonly settle: (olderThanMs: number) => Promise<Settled>;
  readonly enterprises: Enterprises;
  readonly delegation: Delegation;
  readonly certificates: CertificateFinder;
  readonly issuance: Issuance;
  readonly publish: { readonly base: string; readonly shards: number };
};

/** Another process finishes what it began within this time; the embedded database has no other. */
export const ABANDONED_AFTER_MS = 30_000;

export function connectAuthority({ config, database, signer, holder, base }: AuthorityGround): AuthorityParts {
  const publish = { base, shards: config.authority.crlShards };
  const directory = new Directory({ transactions: database, authorities, auditLog, clock });
  const fence = new Fence();
  // What fails now is looked at again by the directory itself.
  const retired = () => void directory.refresh().catch(() => undefined);
  const { revocations, revoker, ...told } = connectRevocation({ database, signer, holder, fence, crashPoint, retired });
  const domain = { taken: takenSteps, committed: createIssuedRecorder(told.licenseRevocations) };
  const store = createCertificateStore({ transactions: database, auditLog, outbox, domain });
  const generationOf = generationIn(directory, signer, publish);
  const issuer = createIssuer({ signer, store, clock, random, generationOf, crashPoint });
  const journal: JournalDeps = {
    signer,
    transactions: database,
    directory,
    marks: journalMarks,
    records: createCertificateRecords({ auditLog, outbox }),
    revocations: createRevocationReplay(revocations),
    clock,
  };
  const { algorithm } = config.authority;
  const certified = {
    directory,
    issuer,
    clock,
    transactions: database,
    certificates: certificateFinder,
    ...(isEvaluation(config) && {
      widen: createWidening({ signer, store, directory, clock, random, publish, algorithm }, issuer),
    }),
  } satisfies EnterpriseCertificateDeps;
  const enterprises = new Enterprises({ ...certified, signer, publish, algorithm });
  const delegation = createDelegation({ ...certified, fence, publish });
  const guard = createJournalGuard(journal, fence);
  const issuance = createIssuance({
    issuer,
    enterprises,
    directory,
    fence,
    transactions: database,
    certificates: certificateFinder,
    delegation,
    crashPoint,
  });
  const settle = (olderThanMs: number) =>
    recover({ signer, store, clock, generationOf }, new Date(clock.now().getTime() - olderThanMs));
  const stores = { store, revocations, journal, publish, certificates: certificateFinder };
  return { directory, fence, guard, ...stores, revoker, ...told, issuer, settle, enterprises, delegation, issuance };
}

/** Journal and database beside each other; then what an earlier process left unfinished; then, perhaps, a hierarchy. */
export async function readyAuthority(ground: AuthorityGround, parts: AuthorityParts): Promise<void> {
  const { config, database, signer } = ground;
  const { guard, fence, directory, store } = parts;
  await database.run('platform', (tx) => makeCertificatePartitions(tx, clock.now()));
  const isAlone = database.host === 'embedded';
  await guard.check({ isAlone }).catch((error: unknown) => {
    if (!(error instanceof JournalLost)) throw error;
    throw new StartError(EXIT_CODES.unavailable.code, error.message, error);
  });
  if (fence.reason !== undefined) return;
  // What is left is no reason to be without CRL and OCSP: the job that does this every minute says what and why.
  await parts.settle(isAlone ? 0 : ABANDONED_AFTER_MS);
  if (!isEvaluation(config)) return;
  const { algorithm, organization } = config.authority;
  const role = { organization, enterprise: undefined, contract: undefined } as const;
  const isThere = (await directory.active({ ...role, kind: 'service' })) !== undefined;
  const { publish } = parts;
  // An authority that is saved has a mark for its journal: see `journal-watch.ts`.
  const mark = () => guard.check();
  if (!isThere) {
    await createEvaluation({ signer, store, directory, clock, random, publish, algorithm }, organization, mark);
  }
}

/** Of a root whose hierarchy was being made when the process ended, the directory knows nothing yet. */
function generationIn(directory: Directory, signer: Signer, { base }: { base: string }) {
  return async (key: string): Promise<IssuerGeneration | undefined> => {
    const known = await directory.generationOf(key);
    if (known !== undefined) return known;
    const held = (await signer.keys()).find(({ id, purpose }) => id === key && purpose === 'root');
    if (held === undefined) return undefined;
    if (held.certificate === undefined) return IssuerGeneration.rootToBe(held);
    const certificate = decodeCertificate(held.certificate);
    return IssuerGeneration.open(
      held,
      [certificate],
      addressesOf(base, certificate.extensions.subjectKeyIdentifier ?? new Uint8Array(), 1),
    );
  };
}
