import { randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Signer } from '@licet/authority';
import { createVerdictTokens } from '../../authority/verdict-tokens.ts';
import { loadConfig } from '../../config/index.ts';
import { apiRoutes } from '../../http/api/index.ts';
import { guardsFor } from '../../http/access/guards.ts';
import type { ApiDeps } from '../../http/api/serve.ts';
import type { Route } from '../../http/routes.ts';
import { createAuthenticator } from '../../licensing/access/authenticate.ts';
import { createFirstOwner, createToken, type NewToken } from '../../licensing/access/tokens.ts';
import { recordsOf } from '../../licensing/identity/present-license.ts';
import { validateLicense } from '../../licensing/licenses/validate.ts';
import { renewLicense } from '../../licensing/licenses/renew.ts';
import type { Principal } from '../../licensing/model/principal.ts';
import { createOrganization } from '../../licensing/organizations/organizations.ts';
import { createSecondPerson } from '../../licensing/second-person.ts';
import { auditLog } from '../../persistence/audit-log.ts';
import { accessStores } from '../../persistence/access/index.ts';
import { idempotencyKeys } from '../../persistence/idempotency.ts';
import { collections } from '../../persistence/licensing/collections.ts';
import { stores } from '../../persistence/licensing/stores.ts';
import { outbox } from '../../persistence/outbox.ts';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import { createLog } from '../../log/log.ts';
import { licenseAsPrincipal, signerAsPrincipal } from '../../wiring/access.ts';
import { connectAuthority, readyAuthority } from '../../wiring/authority.ts';
import { enrolment } from '../../wiring/enrolment.ts';
import { openServerSigner } from '../../wiring/signer.ts';
import { serve, type Served } from '../frame/served.ts';
import { localCertificate } from '../identity/issuer.ts';
import { accessUse } from './access-use.ts';
import { noticeUse } from './notice-use.ts';

/** The API on a real socket, before the real database and the real authority with its signer process. */
export type World = {
  readonly url: string;
  readonly served: Served;
  readonly database: TestDatabase;
  readonly use: ApiDeps['use'];
  readonly signer: Signer;
  /** The token of the first owner of each organization. */
  readonly owners: { readonly acme: string; readonly initech: string };
  /** All that is served. */
  readonly routes: readonly Route[];
  /** The same once more, over TLS, for those who show a license. */
  secured(): Promise<string>;
  token(by: string, organization: string, wanted: Omit<NewToken, 'days'>): Promise<string>;
  close(): Promise<void>;
};

const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
// Certificates are judged by tools that have the clock of the machine.
const clock = { now: () => new Date() };

/** Without the limits: they would be what these tests see, instead of what they ask for. */
const UNLIMITED = {
  limiter: { address: () => undefined, principal: () => undefined },
  monthly: { count: () => Promise.resolve(), flush: () => Promise.resolve() },
  assertUnfenced: () => Promise.resolve(),
};

export async function openWorld(context: Mocha.Context): Promise<World> {
  const database = await testDatabase(context);
  const folder = mkdtempSync(join(tmpdir(), 'licet-api-'));
  const argv = ['--data.folder', folder, '--authority.evaluation', 'on', '--authority.organization', 'acme'];
  const { config } = await loadConfig({ argv, env: {}, directory: folder });
  const quiet = { warn: () => undefined, error: () => undefined };
  const signer = await openServerSigner(config, quiet);
  const ground = { config, database, signer: signer.signer, holder: 'test', base: 'http://127.0.0.1' };
  const authority = connectAuthority(ground);
  await readyAuthority(ground, authority);
  const access = {
    transactions: database,
    stores: accessStores,
    organizations: collections.organizations,
    auditLog,
    outbox,
    clock,
    random,
  };
  const licensing = {
    transactions: database,
    clock,
    random,
    auditLog,
    outbox,
    stores,
    issuance: authority.issuance,
    revocations: authority.licenseRevocations,
    secondPerson: createSecondPerson(access),
  };
  const authenticator = createAuthenticator(access);
  const renew = renewLicense(licensing);
  const log = createLog({ level: 'error', format: 'json', clock, write: () => undefined, secrets: [] });
  const records = recordsOf(licensing);
  const wired = enrolment({
    licensing,
    records,
    directory: authority.directory,
    authenticator,
    settings: {
      est: { requireChannelBinding: false, serverKeyGeneration: false },
      identities: { privateIssuers: [] },
    },
    renew,
    limits: [],
    limit: () => Promise.resolve(),
    log,
  });
  const tokens = createVerdictTokens(signer.signer);
  const accessed = accessUse(access, { forgetTokens: () => authenticator.forget() });
  const notices = noticeUse(licensing, accessed);
  const use = {
    licensing,
    access: accessed,
    identity: wired.identity,
    notices,
    renew,
    tokens,
    validate: validateLicense(licensing),
    records,
  };
  const owners = { acme: await founded(use, 'acme'), initech: await founded(use, 'initech') };
  const guards = {
    authenticator,
    license: licenseAsPrincipal(records),
    signature: signerAsPrincipal(licensing, records),
    log,
    ...UNLIMITED,
  };
  const api = apiRoutes({ guardsFor: (action) => guardsFor(action, guards), keys: idempotencyKeys, use, version: '0' });
  const routes = [...wired.routes, ...api];
  const limits = { keys: 2000 };
  const served = await serve({ routes, limits });
  const secured: Served[] = [];
  return {
    url: served.url,
    served,
    database,
    use,
    signer: signer.signer,
    owners,
    routes,
    async secured() {
      const files = localCertificate();
      const listening = await serve({ routes, limits, tls: { options: files, requestClientCertificate: true } });
      secured.push(listening);
      return listening.url;
    },
    async token(by, organization, wanted) {
      const { principal } = await authenticator.bearer(by);
      const made = await database.run({ organization }, (tx) =>
        createToken(use.access, tx, principal, { ...wanted, days: 1 }),
      );
      if (made.outcome !== 'done') throw new Error('The token waits for a second person.');
      return made.result.secret;
    },
    async close() {
      for (const one of [served, ...secured]) await one.close();
      authority.directory.stop();
      await signer.close();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function founded(use: ApiDeps['use'], slug: string): Promise<string> {
  const founder: Principal = {
    kind: 'system',
    id: 'system:test',
    organization: slug,
    roles: ['owner'],
    enterprise: undefined,
    site: undefined,
  };
  const settings = { secondPerson: false, onFork: 'quarantine-later' } as const;
  await createOrganization(use.licensing)(founder, { slug, name: slug, settings });
  const owner = await use.access.transactions.run({ organization: slug }, (tx) =>
    createFirstOwner(use.access, tx, slug),
  );
  return owner!.secret;
}
