import {
  type CrlEvent,
  createCrlPublisher,
  createOcspResponder,
  loadProfiles,
  type OcspResponder,
  proveVisible,
  renewResponders,
  ServedCrls,
  type Signer,
} from '@licet/authority';
import { systemClock as clock } from './clock.ts';
import { crashPoint } from './crash-point.ts';
import type { Ground } from './ground.ts';
import { crlFastPath } from './http/crl/fast-path.ts';
import type { FastPath } from './http/dispatcher.ts';
import { ocspFastPaths } from './http/ocsp/fast-paths.ts';
import type { Job } from './jobs/job.ts';
import type { Log } from './log.ts';
import type { AuthorityParts } from './wire-authority.ts';

export type StatusParts = {
  readonly fastPaths: readonly FastPath[];
  readonly jobs: readonly Job[];
  /** Rejects when a CRL that agents and servers depend on is missing or out of date. */
  readonly checkCrls: () => Promise<void>;
  /** Resolves when each CA has its CRLs; from then on makes what changes ask for. */
  start(): Promise<void>;
  stop(): Promise<void>;
};

/** Whether certificates are still good: CRLs and OCSP, made here and served to everybody. */
export function connectStatus({ log }: Ground, authority: AuthorityParts, signer: Signer): StatusParts {
  const { directory, revocations, fence } = authority;
  const status = log.with({ component: 'status' });
  const generations = () => directory.held();
  const report = (err: unknown) => status.warn({ err }, 'status not answered as it should be');
  const responder = openResponder(authority, signer, report);
  const publisher = createCrlPublisher({
    signer,
    store: revocations,
    clock,
    generations,
    report: reporter(status),
    crashPoint,
  });
  const issuerOf = async (keyIdentifier: string) =>
    (await directory.byKeyIdentifier(Buffer.from(keyIdentifier, 'hex')))?.authority.key;
  const served = new ServedCrls({ store: revocations, clock, issuerOf, report });
  const renew = async (): Promise<void> => {
    if ((await renewAll(authority, signer, status)) > 0) await responder.refresh();
  };
  const catchUp = () => {
    if (fence.reason !== undefined) return;
    renew()
      .then(() => responder.refresh())
      .then(() => publisher.nudge(), report);
  };
  const publish = async (signal: AbortSignal): Promise<void> => {
    // A CRL made from an old backup would take revocations back.
    fence.assertOpen();
    await publisher.run(signal);
  };
  return {
    fastPaths: [...ocspFastPaths(responder), crlFastPath(served)],
    jobs: [
      { name: 'publish-crls', cron: '* * * * *', timeoutSeconds: 300, run: ({ signal }) => publish(signal) },
      { name: 'renew-ocsp-responders', cron: '*/10 * * * *', timeoutSeconds: 120, run: renew },
      { name: 'prove-revocations-visible', cron: '*/5 * * * *', timeoutSeconds: 120, run: () => prove(authority) },
    ],
    checkCrls: () => checkCrls(authority),
    async start() {
      authority.onStatusChange((ids) => {
        responder.forget(ids);
        publisher.nudge();
      });
      directory.onChange(catchUp);
      // A first start may take this long; later ones find them made. What fails is reported and tried again by the job.
      if (fence.reason === undefined) await publisher.run().catch(report);
      catchUp();
    },
    stop: () => publisher.stop(),
  };
}

function openResponder(
  { directory, revocations, fence }: AuthorityParts,
  signer: Signer,
  report: (error: unknown) => void,
): OcspResponder {
  return createOcspResponder({
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
    generations: () => directory.held(),
    report,
  });
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

function reporter(log: Log) {
  return (event: CrlEvent): void => {
    if (event.kind === 'refused')
      log.error({ authority: event.shard?.issuer, shard: event.shard?.shard, err: event.error }, 'CRL not published');
    else {
      const { issuer, shard, entries } = event.crl;
      log.info({ authority: issuer, shard, count: entries }, 'CRL published');
    }
  };
}

/** The few above all others: without their CRLs nothing below can be checked to the end. */
async function checkCrls({ directory, revocations }: AuthorityParts): Promise<void> {
  const above = (await directory.held()).filter(({ purpose }) => purpose === 'organization' || purpose === 'service');
  const standings = await revocations.shards(above.map(({ key }) => key));
  const now = clock.now();
  const missing = above.find(({ key }) => !standings.some(({ issuer, crl }) => issuer === key && crl !== undefined));
  if (missing !== undefined) throw new Error(`The ${missing.purpose} CA has no CRL yet.`);
  const old = standings.find(({ crl }) => crl !== undefined && crl.nextUpdate <= now);
  if (old !== undefined) throw new Error(`The CRL ${old.shard} of key ${old.issuer} is out of date.`);
}

const FETCH_MS = 5000;

async function prove({ revocations, directory }: AuthorityParts): Promise<void> {
  const bytesOf = async (response: Response) => {
    if (!response.ok) throw new Error(`${response.url} answers ${response.status}.`);
    return new Uint8Array(await response.arrayBuffer());
  };
  const { hidden } = await proveVisible({
    store: revocations,
    clock,
    generationOf: directory.generationOf,
    fetchCrl: async (address) => bytesOf(await fetch(address, { signal: AbortSignal.timeout(FETCH_MS) })),
    async askOcsp(address, request) {
      const headers = { 'Content-Type': 'application/ocsp-request' };
      const signal = AbortSignal.timeout(FETCH_MS);
      return bytesOf(await fetch(address, { method: 'POST', headers, body: Buffer.from(request), signal }));
    },
  });
  if (hidden.length > 0) throw new Error(`Revoked and not seen to be: ${hidden.join(', ')}.`);
}
