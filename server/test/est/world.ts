import assert from 'node:assert/strict';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { publishDue, type PublishedCrl, type RevocationStore, type Signer } from '@licet/authority';
import { makeCsr } from '@licet/authority/workshop';
import { encodePem } from '@licet/format';
import { createVerdictTokens } from '../../authority/verdict-tokens.ts';
import { issueServiceCertificate } from '../../authority/service-certificates.ts';
import { loadConfig } from '../../config/index.ts';
import { guardsFor } from '../../http/access/guards.ts';
import { apiRoutes } from '../../http/api/index.ts';
import { createAuthenticator } from '../../licensing/access/authenticate.ts';
import { createFirstOwner } from '../../licensing/access/tokens.ts';
import { activateContract, createContract } from '../../licensing/contracts/contracts.ts';
import { createToken } from '../../licensing/enrolment/create-token.ts';
import { createEnterprise } from '../../licensing/enterprises/enterprises.ts';
import type { Contract } from '../../licensing/model/contract.ts';
import type { Enterprise } from '../../licensing/model/enterprise.ts';
import { createOrganization } from '../../licensing/organizations/organizations.ts';
import { createProduct } from '../../licensing/products/products.ts';
import { createSecondPerson } from '../../licensing/second-person.ts';
import { recordsOf } from '../../licensing/identity/present-license.ts';
import { validateLicense } from '../../licensing/licenses/validate.ts';
import { renewLicense } from '../../licensing/licenses/renew.ts';
import { OWNER, TERMS } from '../../licensing/test/office.ts';
import type { Dependencies } from '../../licensing/use-case.ts';
import { createLog } from '../../log/log.ts';
import { accessStores } from '../../persistence/access/index.ts';
import { auditLog } from '../../persistence/audit-log.ts';
import { idempotencyKeys } from '../../persistence/idempotency.ts';
import { stores } from '../../persistence/licensing/stores.ts';
import { outbox } from '../../persistence/outbox.ts';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import { licenseAsPrincipal, signerAsPrincipal, unfenced } from '../../wiring/access.ts';
import { type AuthorityParts, connectAuthority, readyAuthority } from '../../wiring/authority.ts';
import { enrolment, type EnrolmentGround } from '../../wiring/enrolment.ts';
import { publishing } from '../../wiring/publishing.ts';
import { openServerSigner } from '../../wiring/signer.ts';
import { accessUse } from '../api/access-use.ts';
import { noticeUse } from '../api/notice-use.ts';
import { serve, type Served } from '../frame/served.ts';

/** One vendor with two customers, as production has it: database, signer process, authority, domain, TLS. */
export type World = {
  readonly base: string;
  readonly served: Served;
  readonly database: TestDatabase;
  readonly deps: Dependencies;
  readonly authority: AuthorityParts;
  readonly globex: { enterprise: Enterprise; contract: Contract };
  readonly initech: { enterprise: Enterprise; contract: Contract };
  readonly jobs: ReturnType<typeof enrolment>['jobs'];
  /** Of the owner: an API token. */
  readonly apiToken: string;
  at(name: string): string;
  /** The server shows a TLS certificate by the service CA of now. */
  renewTls(): Promise<void>;
  /** What the organization's CAs say is revoked, published this moment. */
  crls(): Promise<Uint8Array[]>;
  /** An enrolment token. */
  token(contract: Contract, name?: string): Promise<string>;
  close(): Promise<void>;
};

const random = { bytes: (length: number) => new Uint8Array(randomBytes(length)) };
/** How often anybody may ask is tested elsewhere. */
const UNLIMITED = {
  limiter: { address: () => undefined, principal: () => undefined },
  monthly: { count: () => Promise.resolve(), flush: () => Promise.resolve() },
};
// Certificates are judged by tools that have the clock of the machine.
const clock = { now: () => new Date() };

export async function openWorld(
  context: Mocha.Context,
  identities: EnrolmentGround['settings']['identities'] = { privateIssuers: [] },
  /** What makes the CAs, in the place of an evaluation. */
  ceremony?: (signer: Signer, authority: AuthorityParts) => Promise<void>,
): Promise<World> {
  const database = await testDatabase(context);
  const folder = mkdtempSync(join(tmpdir(), 'licet-enrolment-'));
  const argv = ['--data.folder', folder, '--authority.evaluation', 'on', '--authority.organization', 'acme'];
  if (ceremony !== undefined) {
    writeFileSync(join(folder, 'passphrase'), 'only for this test\n', { mode: 0o600 });
    argv.push('--authority.evaluation', 'off', '--signer.passphraseFile', join(folder, 'passphrase'));
  }
  const { config } = await loadConfig({ argv, env: {}, directory: folder });
  const signer = await openServerSigner(config, { warn: () => undefined, error: () => undefined });
  const ground = { config, database, signer: signer.signer, holder: 'test', base: 'http://127.0.0.1:9' };
  const authority = connectAuthority(ground);
  await readyAuthority(ground, authority);
  await ceremony?.(signer.signer, authority);
  const common = { transactions: database, clock, random, auditLog, outbox };
  const access = { ...common, stores: accessStores, organizations: stores.organizations };
  const { issuance, licenseRevocations: revocations } = authority;
  const deps = { ...common, stores, issuance, revocations, secondPerson: createSecondPerson(access) };
  const customers = await found(deps);
  const owner = await database.run({ organization: 'acme' }, (tx) => createFirstOwner(access, tx, 'acme'));
  const authenticator = createAuthenticator(access);
  const renew = renewLicense(deps);
  const log = createLog({ level: 'error', format: 'json', clock, write: () => {}, secrets: [] });
  const records = recordsOf(deps);
  const wired = enrolment({
    licensing: deps,
    records,
    directory: authority.directory,
    authenticator,
    settings: { est: { requireChannelBinding: false, serverKeyGeneration: false }, identities },
    renew,
    limits: [],
    limit: () => Promise.resolve(),
    log,
  });
  const pem = (ders: readonly Uint8Array[]) => ders.map((der) => encodePem('CERTIFICATE', der)).join('');
  const newTls = async () => {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const order = { organization: 'acme', names: ['localhost'], csr: makeCsr('P-256', { keys }), principal: 'test' };
    const chain = await issueServiceCertificate(authority, order);
    return { cert: pem(chain), key: keys.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString() };
  };
  writeFileSync(join(folder, 'root.pem'), pem(await authority.directory.roots()));
  const accessed = accessUse(access);
  const who = { authenticator, license: licenseAsPrincipal(records), signature: signerAsPrincipal(deps, records) };
  const guards = { ...who, assertUnfenced: unfenced(authority.fence), log, ...UNLIMITED };
  const api = apiRoutes({
    guardsFor: (action) => guardsFor(action, guards),
    keys: idempotencyKeys,
    use: {
      licensing: deps,
      access: accessed,
      identity: wired.identity,
      notices: noticeUse(deps, accessed),
      renew,
      validate: validateLicense(deps),
      records,
      tokens: createVerdictTokens(signer.signer),
    },
    version: '0',
  });
  const served = await serve({
    routes: [...wired.routes, ...api],
    fastPaths: publishing(authority, () => 'https://localhost'),
    tls: { options: await newTls(), requestClientCertificate: true },
  });
  return {
    ...customers,
    base: `https://localhost:${served.port}`,
    served,
    database,
    deps,
    authority,
    jobs: wired.jobs,
    apiToken: owner!.secret,
    at: (name) => join(folder, name),
    renewTls: async () => served.listener.replaceTls(await newTls()),
    async crls() {
      const { directory, revocations } = authority;
      const generations = () => directory.held();
      const report = ({ kind }: { kind: string }) => assert.notEqual(kind, 'refused');
      await publishDue({ signer: signer.signer, store: revocations, clock, generations, report });
      const above = (await generations()).filter(({ purpose }) => purpose === 'organization');
      const shards = above.flatMap(({ key, addresses }) => addresses!.crls.map((_, shard) => ({ issuer: key, shard })));
      return Promise.all(shards.map(async (shard) => bytesOf(revocations, (await revocations.published(shard))!)));
    },
    async token({ id: contract }, name) {
      const made = await createToken(deps)(OWNER, {
        contract,
        mode: 'production',
        ...(name !== undefined && { name }),
        options: {},
      });
      return made.token;
    },
    async close() {
      await served.close();
      authority.directory.stop();
      await signer.close();
      await database.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function bytesOf(store: RevocationStore, crl: PublishedCrl): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of store.parts(crl)) parts.push(part);
  return Buffer.concat(parts);
}

async function found(deps: Dependencies): Promise<Pick<World, 'globex' | 'initech'>> {
  await createOrganization(deps)(OWNER, {
    slug: 'acme',
    name: 'Acme',
    settings: { secondPerson: false, onFork: 'quarantine-later' },
  });
  await createProduct(deps)(OWNER, {
    code: 'press',
    name: 'Press',
    catalog: {
      features: [{ code: 'remote', name: 'Remote' }],
      limits: ['machines', 'users'].map((code) => ({ code, name: code, unit: code })),
      tiers: [{ rank: 20, code: 'gold', name: 'Gold' }],
    },
  });
  return { globex: await customer(deps, 'globex'), initech: await customer(deps, 'initech') };
}

async function customer(deps: Dependencies, slug: string) {
  const enterprise = await createEnterprise(deps)(OWNER, { slug, name: slug });
  return { enterprise, contract: await contractOf(deps, enterprise, `C-${slug}`) };
}

/** In force, with room for whatever a test wants. */
export async function contractOf(deps: Dependencies, enterprise: Enterprise, number: string): Promise<Contract> {
  const year = clock.now().getUTCFullYear();
  const term = { firstDay: `${year}-01-01`, lastDay: `${year + 1}-12-31`, timeZone: 'UTC' };
  const terms = { ...TERMS, siteCaps: { production: 50, development: 50 } };
  const { id } = await createContract(deps)(OWNER, { enterprise: enterprise.id, number, terms, term });
  return activateContract(deps)(OWNER, { id });
}
