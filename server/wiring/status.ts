import {
  type CrlEvent,
  type CrlPublisher,
  type CrlPublisherDeps,
  createCrlPublisher,
  createOcspResponder,
  loadProfiles,
  type OcspResponder,
  proveVisible,
  renewResponders,
  ServedCrls,
  type Signer,
  type VisibilityDeps,
} from '@licet/authority';
import { checkCrls } from '../authority/crl-watch.ts';
import { translated } from '../authority/errors.ts';
import { systemClock as clock } from '../clock.ts';
import { crashPoint } from '../crash-point.ts';
import type { Ground } from '../ground.ts';
import { crlFastPath } from '../http/crl/fast-path.ts';
import type { FastPath } from '../http/dispatcher.ts';
import { ocspFastPaths } from '../http/ocsp/fast-paths.ts';
import type { Job } from '../jobs/job.ts';
import { revocationJobs } from '../jobs/revocation.ts';
import type { Log } from '../log/log.ts';
import type { RevocationMetrics } from '../metrics/revocation.ts';
import type { AuthorityParts } from './authority.ts';

export type StatusParts = {
  readonly fastPaths: readonly FastPath[];
  readonly jobs: readonly Job[];
  /** Rejects when a CRL that agents and servers depend on is missing or out of date; says when one is soon to be. */
  readonly checkCrls: () => Promise<string | undefined>;
  /** Resolves when each CA has its CRLs; from then on makes what changes ask for. */
  start(): Promise<void>;
  stop(): Promise<void>;
};

/** Whether certificates are still good: CRLs and OCSP, made here and served to everybody. */
export function connectStatus(
  { log, metrics }: Pick<Ground, 'log' | 'metrics'>,
  authority: AuthorityParts,
  signer: Signer,
): StatusParts {
  const { directory, fence } = authority;
  const status = log.with({ component: 'status' });
  const report = (err: unknown) => status.warn({ err }, 'status not answered as it should be');
  // One after the other: two that run side by side would each make a responder for the same newcomer.
  const renew = inTurn(() => renewAll(authority, signer, status));
  const welcome = async (): Promise<void> => {
    await directory.refresh();
    if (fence.reason === undefined) await renew();
  };
  const responder = openResponder(authority, signer, { welcome, report });
  const publisher = createCrlPublisher(publishingOf(authority, signer, reporter(status, metrics.revocation)));
  const served = openCrls(authority, publisher, report);
  let catchingUp: Promise<void> = Promise.resolve();
  const catchUp = () => {
    if (fence.reason === undefined) catchingUp = responder.refresh().then(() => publisher.nudge(), report);
  };
  const publish = async (signal: AbortSignal) => {
    // Once for all, and not for each shard.
    fence.assertOpen();
    return publisher.run(signal);
  };
  return {
    fastPaths: [...ocspFastPaths(responder, { answered: metrics.revocation.ocspAnswered }), crlFastPath(served)],
    jobs: revocationJobs({
      publishCrls: publish,
      renewResponders: () => renew().then(() => responder.refresh()),
      proveVisible: () => proveVisible(monitorOf(authority)),
    }),
    checkCrls: () => checkCrls({ ...authority, signer }, clock.now()),
    async start() {
      authority.onJudged(metrics.revocation.judged);
      authority.onStatusChange((ids) => {
        responder.forget(ids);
        publisher.nudge();
      });
      directory.onChange(catchUp);
      // A first start may take this long; later ones find them made. What fails is reported and tried again by the job.
      if (fence.reason === undefined) await publisher.run().catch(report);
      catchUp();
    },
    async stop() {
      // Signer and database are closed after this.
      await catchingUp;
      await publisher.stop();
    },
  };
}

/** The lists of all CAs whose keys are here. */
export function publishingOf(
  { directory, revocations, fence }: AuthorityParts,
  signer: Signer,
  report: (event: CrlEvent) => void,
): CrlPublisherDeps {
  return {
    signer,
    store: {
      ...revocations,
      // A CRL made from an old backup would take revocations back.
      async exclusively(shard, work) {
        fence.assertOpen();
        return revocations.exclusively(shard, work);
      },
    },
    clock,
    generations: () => directory.held(),
    report,
    crashPoint,
  };
}

function openCrls(
  { directory, revocations }: AuthorityParts,
  publisher: CrlPublisher,
  report: (error: unknown) => void,
): ServedCrls {
  return new ServedCrls({
    store: revocations,
    clock,
    issuerOf: async (keyIdentifier) =>
      (await directory.byKeyIdentifier(Buffer.from(keyIdentifier, 'hex')))?.authority.key,
    async welcome(shard) {
      await directory.refresh();
      await translated(publisher.first(shard));
    },
    report,
  });
}

function openResponder(
  { directory, revocations, fence }: AuthorityParts,
  signer: Signer,
  given: { readonly welcome: () => Promise<void>; readonly report: (error: unknown) => void },
): OcspResponder {
  return createOcspResponder({
    ...given,
    signer,
    store: {
      ...revocations,
      // An old backup would call revoked certificates good: until it is reconciled, ask again later.
      async find(ids) {
        fence.assertOpen();
        return revocations.find(ids);
      },
    },
    clock,
    async generations() {
      // What another process has changed is seen, too. While the database is away those stay that were known.
      await directory.refresh().catch(given.report);
      return directory.held();
    },
  });
}

function inTurn(work: () => Promise<unknown>): () => Promise<void> {
  let last: Promise<unknown> = Promise.resolve();
  return async () => {
    const own = last.then(work);
    last = own.catch(() => undefined);
    await own;
  };
}

async function renewAll({ directory, issuer, fence }: AuthorityParts, signer: Signer, log: Log): Promise<number> {
  fence.assertOpen();
  return renewResponders({
    signer,
    issuer,
    profile: loadProfiles().ocsp,
    clock,
    generations: () => directory.held(),
    report: ({ issuer: key, error }) => log.error({ authority: key, err: error }, 'OCSP responder not renewed'),
  });
}

function reporter(log: Log, metrics: RevocationMetrics) {
  return (event: CrlEvent): void => {
    if (event.kind === 'refused') {
      metrics.crlRefused();
      log.error({ authority: event.shard?.issuer, shard: event.shard?.shard, err: event.error }, 'CRL not published');
    } else {
      metrics.crlPublished(event.secondsBehind);
      const { issuer, shard, entries } = event.crl;
      log.info({ authority: issuer, shard, count: entries }, 'CRL published');
    }
  };
}

const ASK_MS = 5000;
/** A CRL of a million entries has 50 MB. */
const FETCH_MS = 60_000;

/** Sees what everybody sees: by the addresses in certificates. */
export function monitorOf({ revocations, directory }: AuthorityParts): VisibilityDeps {
  const opened = (response: Response): Response => {
    if (!response.ok) throw new Error(`${response.url} answers ${response.status}.`);
    return response;
  };
  return {
    store: revocations,
    clock,
    generationOf: async (issuer) => (await directory.held()).find(({ key }) => key === issuer),
    async fetchCrl(address) {
      const response = opened(await fetch(address, { signal: AbortSignal.timeout(FETCH_MS) }));
      if (response.body === null) throw new Error(`${address} answers nothing.`);
      return response.body;
    },
    async askOcsp(address, request) {
      const headers = { 'Content-Type': 'application/ocsp-request' };
      const signal = AbortSignal.timeout(ASK_MS);
      const response = await fetch(address, { method: 'POST', headers, body: Buffer.from(request), signal });
      return new Uint8Array(await opened(response).arrayBuffer());
    },
  };
}
