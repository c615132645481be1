import { hostname } from 'node:os';
import { systemClock as clock } from './clock.ts';
import type { Config } from './config/index.ts';
import { databaseOptions } from './database-options.ts';
import { isEvaluation, isText, publishingBaseOf, tlsModeOf } from './effective.ts';
import { openEvaluationShop } from './first-start/evaluation-shop.ts';
import { letFirstOwnerIn } from './first-start/first-owner.ts';
import { foundOrganization } from './first-start/found-organization.ts';
import { createEndsCheck, createEndsReader, soonestEnds } from './authority/authority-ends.ts';
import { createKeyCheck } from './authority/lost-keys.ts';
import type { Ground } from './ground.ts';
import type { Job } from './jobs/job.ts';
import type { Subscriber } from './jobs/outbox-deliverer.ts';
import { recordsOf } from './licensing/identity/present-license.ts';
import { renewLicense } from './licensing/licenses/renew.ts';
import type { Dependencies } from './licensing/use-case.ts';
import type { Route } from './http/routes.ts';
import manifest from './package.json' with { type: 'json' };
import type { Readiness } from './operations/readiness.ts';
import { crlFigures } from './persistence/authority/crl-figures.ts';
import { type Database, openDatabase } from './persistence/database.ts';
import { systemRandom as random } from './random.ts';
import { welcome, type Welcomed } from './first-start/welcome.ts';
import { type Access, openAccess } from './wiring/access.ts';
import { api } from './wiring/api.ts';
import { type AuthorityParts, connectAuthority, readyAuthority } from './wiring/authority.ts';
import { checkJobs } from './wiring/checks.ts';
import { enrolment, type EnrolmentGround } from './wiring/enrolment.ts';
import { contractSubscriber } from './wiring/contracts.ts';
import { noticeJobs, revocationSubscriber } from './wiring/events.ts';
import { commonJobs, openWork } from './wiring/jobs.ts';
import {
  appFor,
  assertPortsFree,
  hangPublic,
  openOperations,
  openPlain,
  type PlainListener,
  type Served,
} from './wiring/listeners.ts';
import { connectLicensing } from './wiring/licensing.ts';
import { type Notices, openNotices } from './wiring/notices.ts';
import { publishing } from './wiring/publishing.ts';
import { readinessOf } from './wiring/readiness.ts';
import { connectStatus, type StatusParts } from './wiring/status.ts';
import type { OpenedSigner } from './wiring/signer.ts';
import { openOwnTls, openTlsFiles } from './wiring/tls.ts';

/** Everything behind the two doors, and then the doors. Who has begun to open the signer closes it when this fails. */
export async function serve(ground: Ground, opening: Promise<OpenedSigner>): Promise<void> {
  const { config, log } = ground;
  // What can be refused without touching the database is refused first.
  const files = openTlsFiles(ground);
  await assertPortsFree(config);
  const plain = tlsModeOf(config) === 'off' ? undefined : await openPlain(ground);
  const stores = await openStores(ground, opening);
  try {
    const holder = `${hostname()}:${process.pid}:${Buffer.from(random.bytes(6)).toString('hex')}`;
    const base = publishingBaseOf(config, plain?.port ?? config.http.port);
    const wired = { config, database: stores.database, signer: stores.signer.signer, holder, base };
    const authority = connectAuthority(wired);
    await readyAuthority(wired, authority);
    const tls = files ?? (await openOwnTls(ground, authority));
    const licensing = connectLicensing(stores.database, authority);
    await openHouse(config, authority, licensing);
    const records = recordsOf(licensing);
    let address = '';
    const accessLog = log.with({ component: 'access' });
    const publicUrl = () => config.http.publicUrl ?? address;
    const access = openAccess({ config, licensing, records, fence: authority.fence, log: accessLog, publicUrl });
    const notices = openNotices(config, licensing, access.deps);
    const renew = renewLicense(licensing);
    const sites = enrolmentOf(ground, { licensing, records, authority, access, renew });
    const { signer } = stores.signer;
    const { version } = manifest;
    const { identity } = sites;
    const calls = api({ access, licensing, records, renew, identity, notices: notices.deps, signer, version });
    const routes = [...sites.routes, ...calls];
    const checks = checkJobs(stores.database, authority);
    const jobs = [...access.jobs, ...sites.jobs, ...noticeJobs(licensing), ...notices.jobs, ...checks];
    const subscribers = [revocationSubscriber(authority.revoker), contractSubscriber({ licensing, authority })];
    const parts = { access, routes, jobs, subscribers, notices, authority, holder, plain, tls };
    const owner = (await hasAuthority(config, authority))
      ? await letFirstOwnerIn(access.deps, config.authority.organization, config.data.folder)
      : undefined;
    const where = await open(ground, stores, parts);
    ({ address } = where);
    log.info({ ...where, version, ms: Math.round(performance.now()) }, 'ready');
    if (isEvaluation(config)) log.warn({ component: 'authority' }, NOT_OFFLINE);
    if (isText(config)) process.stdout.write(welcome({ ...(await welcomed(ground, stores, authority, where)), owner }));
  } catch (error) {
    await ground.lifecycle.abandon();
    await stores.database.close();
    throw error;
  }
}

/** For who reads the log and not the welcome. */
const NOT_OFFLINE =
  'EVALUATION: the root of this hierarchy is not offline; trust it for nothing, and for production make one by the ceremony';

type Places = { readonly address: string; readonly publishing?: string; readonly operations: string };

type Stores = { readonly database: Database; readonly signer: OpenedSigner };

async function openStores({ config, log, metrics }: Ground, opening: Promise<OpenedSigner>): Promise<Stores> {
  const database = await openDatabase(databaseOptions(config), {
    clock,
    random,
    log: log.with({ component: 'database' }),
    onRetry: (cause) => metrics.transactionRetried(cause),
  });
  try {
    return { database: closedOnce(database), signer: await opening };
  } catch (error) {
    await database.close();
    throw error;
  }
}

/** By the lifecycle, and by a start that fails before or after that knows of it. */
function closedOnce(database: Database): Database {
  let closing: Promise<void> | undefined;
  return { ...database, close: () => (closing ??= database.close()) };
}

type Wired = {
  readonly access: Access;
  readonly routes: readonly Route[];
  readonly jobs: readonly Job[];
  readonly notices: Notices;
  readonly subscribers: readonly Subscriber[];
  readonly authority: AuthorityParts;
  readonly holder: string;
  readonly plain: PlainListener | undefined;
  readonly tls: Awaited<ReturnType<typeof openOwnTls>>;
};

function enrolmentOf(
  { config, log }: Ground,
  parts: Pick<EnrolmentGround, 'licensing' | 'records' | 'renew'> & { authority: AuthorityParts; access: Access },
): ReturnType<typeof enrolment> {
  const { licensing, records, renew, authority, access } = parts;
  return enrolment({
    licensing,
    records,
    renew,
    directory: authority.directory,
    authenticator: access.authenticator,
    settings: { est: config.est, identities: config.identities },
    limits: [access.limitAddress('open')],
    limit: (principal) => access.limitRenewals(principal),
    log: log.with({ component: 'enrolment' }),
  });
}

function watchReadiness(
  { config, metrics }: Ground,
  { database, signer: { signer } }: Stores,
  { directory, fence, journal }: AuthorityParts,
  checkCrls: StatusParts['checkCrls'],
): Readiness {
  const ends = createEndsReader(directory);
  metrics.watch({ authorityEnds: async () => soonestEnds(await ends()) });
  const checks = { checkCrls, checkKeys: createKeyCheck(journal), checkEnds: createEndsCheck(ends, clock) };
  return readinessOf({ database, signer, fence, ...checks }, config.operations.readinessSeconds);
}

/** Opens the doors, and says in which order everything is closed again. */
async function open(
  ground: Ground,
  { database, signer }: Stores,
  { access, routes, jobs, subscribers, notices, authority, holder, plain, tls }: Wired,
): Promise<Places> {
  const { config, log, lifecycle } = ground;
  const status = connectStatus(ground, authority, signer.signer);
  ground.metrics.revocation.watchCrls(() => database.run('platform', crlFigures, { readOnly: true }));
  const readiness = watchReadiness(ground, { database, signer }, authority, status.checkCrls);
  let address = '';
  const fastPaths = [...publishing(authority, () => config.http.publicUrl ?? address), ...status.fastPaths];
  const served: Served = { routes, fastPaths };
  const app = appFor(ground, served);
  const door = hangPublic(ground, { app, readiness, tls, plain });
  await openWork(ground, database, {
    jobs: [...commonJobs(config, database), ...status.jobs, ...jobs],
    subscribers,
    holder,
  });
  notices.start(ground);
  await status.start();
  const authorityLog = log.with({ component: 'authority' });
  authority.directory.watch((err) => authorityLog.warn({ err }, 'authorities not looked at'));
  const guard = authority.guard.watch((err) => authorityLog.error({ err }, 'journal and database not compared'));
  signer.signer.onLink(() => guard.look());
  lifecycle.add({
    name: 'authority',
    async stop() {
      authority.directory.stop();
      await status.stop();
      await guard.stop();
    },
  });
  lifecycle.add(access.stage);
  lifecycle.add({ name: 'signer', stop: () => signer.close() });
  lifecycle.add({ name: 'database', stop: () => database.close() });
  await plain?.serve(appFor(ground, { routes: [], fastPaths }));
  // While nobody is in the way: a balancer's first look shares what was found, and does not stand behind a crowd that
  // waited before the door.
  const { checks: found } = await readiness.state();
  address = await door.open();
  const operations = await openOperations(ground, readiness, database);
  for (const { ok, detail } of found) if (detail !== undefined) authorityLog[ok ? 'warn' : 'error']({}, detail);
  return { address, ...(plain && { publishing: publishingBaseOf(config, plain.port) }), operations };
}

/** An organization, and in an evaluation something to sell. */
async function openHouse(config: Config, authority: AuthorityParts, licensing: Dependencies): Promise<void> {
  const { organization } = config.authority;
  if (authority.fence.reason !== undefined) return;
  if (isEvaluation(config)) await openEvaluationShop(licensing, organization);
  else if (await hasAuthority(config, authority)) await foundOrganization(licensing, organization);
}

/** Whoever made the CA by the ceremony and imported it is let in as whoever starts an evaluation is. */
const hasAuthority = async ({ authority: { organization } }: Config, { directory }: AuthorityParts): Promise<boolean> =>
  (await directory.active({ organization, kind: 'organization', enterprise: undefined, contract: undefined })) !==
  undefined;

async function welcomed(
  { config }: Ground,
  { database }: Stores,
  { directory, fence }: AuthorityParts,
  { address, publishing: plain, operations }: Places,
): Promise<Omit<Welcomed, 'owner'>> {
  return {
    address,
    operations,
    publishing: plain,
    data: whereData(config, database),
    roots: await directory.roots(),
    isEvaluation: isEvaluation(config),
    fenced: fence.reason,
  };
}

const whereData = ({ data }: Config, { host }: Database): string =>
  host === 'embedded' ? `${data.folder} (embedded database)` : 'PostgreSQL';
