import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  type AuthorityBundle,
  createHierarchy,
  createIssuer,
  createRevoker,
  type Hierarchy,
  type IssuerGeneration,
  loadProfiles,
  MemoryCertificateStore,
  openSigner,
  type ReadyCrl,
  type RevocationStore,
  SIGNATURE_ALGORITHMS,
  type Signer,
} from '@licet/authority';
import {
  decodeCertificate,
  decodeCertificateList,
  encodeCertificateList,
  encodePem,
  encodeTbsCertificateList,
  extension,
  toHex,
} from '@licet/format';
import { Directory } from '../../authority/directory.ts';
import { Fence } from '../../authority/fence.ts';
import { type ImportDeps, importAuthorities } from '../../authority/import.ts';
import { retire } from '../../authority/retire.ts';
import { publishRootCrl } from '../../authority/root-crls.ts';
import { systemClock } from '../../clock.ts';
import { auditLog } from '../../persistence/audit-log.ts';
import { authorities } from '../../persistence/authority/authorities.ts';
import { certificateFinder } from '../../persistence/authority/certificate-finder.ts';
import { createRevocationStore } from '../../persistence/authority/revocation-store.ts';
import { leases } from '../../persistence/leases.ts';
import { outbox } from '../../persistence/outbox.ts';
import { type TestDatabase, testDatabase } from '../../persistence/test/test-database.ts';
import { contract } from './workshop.ts';

const BASE = 'http://pki.example';
const DAY_MS = 86_400_000;
const PROGRAM = join(import.meta.dirname, '../../programs/authority.ts');

describe('the import of what a ceremony made', function () {
  this.timeout(30_000);
  const folder = mkdtempSync(join(tmpdir(), 'licet-import-'));
  const at = (name: string) => join(folder, name);
  let offline: Signer;
  let online: Signer;
  let made: Hierarchy;
  let database: TestDatabase;
  let deps: ImportDeps;
  let revocations: RevocationStore;
  let organization: AuthorityBundle;
  let service: AuthorityBundle;

  before(async function () {
    database = await testDatabase(this, 'embedded');
    writeFileSync(at('passphrase'), 'only for this test\n');
    const keys = { wrappingKey: new Uint8Array(randomBytes(32)) };
    offline = await openSigner({ clock: systemClock, folder: at('offline'), keys });
    online = await signerIn('online');
    made = await hierarchyIn(online, offline);
    organization = await bundleOf(online, made.organization);
    service = await bundleOf(online, made.service);
    revocations = createRevocationStore({ transactions: database, auditLog, outbox, leases, holder: 'test' });
    deps = {
      directory: new Directory({ transactions: database, authorities, auditLog, clock: systemClock }),
      revocations,
      signer: online,
      clock: systemClock,
      publish: { base: BASE, shards: 4 },
      organization: 'acme',
      beforeSaving: () => Promise.resolve(),
    };
  });
  after(async () => {
    await offline?.close();
    await database?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  const signerIn = (name: string): Promise<Signer> => {
    const keys = { passphrase: Buffer.from('only for this test') };
    return openSigner({ clock: systemClock, scryptCost: 1024, folder: at(name), keys });
  };

  async function hierarchyIn(signer: Signer, root: Signer): Promise<Hierarchy> {
    return createHierarchy({
      signers: { root, online: signer },
      clock: systemClock,
      random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
      algorithm: 'P-256',
      organization: 'acme',
      names: { root: 'Root', organization: 'License CA', service: 'Service CA' },
      base: BASE,
      shards: 4,
      claims: contract(),
    });
  }

  async function bundleOf(signer: Signer, { key, chain }: IssuerGeneration): Promise<AuthorityBundle> {
    const held = (await signer.keys()).find(({ id }) => id === key)!;
    return { key: held, chain: [chain[0]!, ...chain.slice(1)], links: [] };
  }

  const bundleIn = async (signer: Signer, root: Signer): Promise<AuthorityBundle> =>
    bundleOf(signer, (await hierarchyIn(signer, root)).organization);

  /** A CRL of the root, from so many days from now for a week. */
  async function crlOf(
    day: number,
    revoked: readonly Pick<IssuerGeneration, 'certificate'>[] = [],
    { key, name, keyIdentifier } = made.root,
    signer = key === made.root.key ? offline : online,
  ): Promise<ReadyCrl> {
    const thisUpdate = new Date(Math.floor((Date.now() + day * DAY_MS) / 1000) * 1000);
    const signatureAlgorithm = { raw: SIGNATURE_ALGORITHMS['P-256'] };
    const tbs = encodeTbsCertificateList(
      {
        signatureAlgorithm,
        issuer: name!,
        thisUpdate,
        nextUpdate: new Date(thisUpdate.getTime() + 7 * DAY_MS),
        extensions: [
          extension.authorityKeyIdentifier({ keyIdentifier }),
          extension.crlNumber(BigInt(thisUpdate.getTime())),
        ],
      },
      revoked.map(({ certificate }) => ({
        serial: certificate!.serial,
        revokedAt: thisUpdate,
        reason: 'superseded',
        invalidityDate: undefined,
      })),
    );
    const [signature] = await signer.sign([{ key, kind: 'crl', bytes: tbs }]);
    const der = encodeCertificateList(tbs, signatureAlgorithm, signature!);
    return { name: `crl-${day}.pem`, text: encodePem('X509 CRL', der), crl: decodeCertificateList(der) };
  }

  const refused = async (
    code: string,
    change: Partial<ImportDeps>,
    given: readonly AuthorityBundle[] = [organization, service],
    lists: readonly ReadyCrl[] = [],
  ) => {
    await assert.rejects(importAuthorities({ ...deps, ...change }, given, lists), { code });
    assert.deepEqual(await deps.directory.list({ limit: 10 }), [], 'nothing is written');
  };

  it('is refused when there is nothing, or it is of another organization or publishes elsewhere', async () => {
    await refused('AUTHORITY_MISSING', {}, []);
    await refused('ORGANIZATION_MISMATCH', { organization: 'globex' });
    await refused('PUBLISHED_ELSEWHERE', { publish: { base: 'http://other.example', shards: 4 } });
  });

  it('is refused for a key that is no CA of a server', async () => {
    await refused('AUTHORITY_KIND', {}, [{ ...organization, key: { ...organization.key, purpose: 'root' } }]);
  });

  it('is refused with a key that the signer does not hold, or with the chain of another key', async () => {
    await refused('KEY_UNKNOWN', { signer: { keys: async () => [] } });
    await refused('KEY_UNKNOWN', {}, [{ ...organization, chain: service.chain }]);
  });

  it('is refused with another certificate than the one that the key accepted', async () => {
    const unbound = { keys: async () => (await online.keys()).map((key) => ({ ...key, certificate: undefined })) };
    await refused('CERTIFICATE_MISMATCH', { signer: unbound });
    const other = {
      keys: async () => (await online.keys()).map((key) => ({ ...key, certificate: new Uint8Array(9) })),
    };
    await refused('CERTIFICATE_MISMATCH', { signer: other });
  });

  it('is refused with a chain that has ended, does not lead to its root, or is too long', async () => {
    const later = new Date(Date.now() + 6 * 365 * DAY_MS);
    await refused('CHAIN_INVALID', { clock: { now: () => later } });
    const [own, root] = organization.chain;
    await refused('CHAIN_INVALID', {}, [{ ...organization, chain: [own, service.chain[0]] }]);
    await refused('CHAIN_INVALID', {}, [{ ...organization, chain: [own, root!, root!] }]);
  });

  it('is refused when the root revokes the CA, and with CRLs of which none is in force', async () => {
    const both = [organization, service];
    await refused('AUTHORITY_REVOKED', {}, both, [await crlOf(-1, [made.organization])]);
    await refused('CRL_REFUSED', {}, both, [await crlOf(1)]);
    await refused('CRL_REFUSED', {}, both, [await crlOf(-8)]);
    await refused('CRL_REFUSED', {}, both, [await crlOf(-1, [], made.organization)]);
    const forged = await crlOf(-1);
    const der = Uint8Array.from(forged.crl.der);
    der[der.length - 1]! ^= 1;
    await refused('CRL_REFUSED', {}, both, [{ ...forged, crl: decodeCertificateList(der) }]);
  });

  it('writes root, organization and service CA once, and says that the root has no CRL', async () => {
    const first = await importAuthorities(deps, [organization, service], []);
    assert.deepEqual(
      first.authorities.map(({ kind, held, status }) => [kind, held, status]),
      [
        ['root', false, 'active'],
        ['organization', true, 'active'],
        ['service', true, 'active'],
      ],
    );
    assert.equal(first.withoutCrl.length, 1);
    const again = await importAuthorities(deps, [organization, service], []);
    assert.deepEqual([again.authorities.length, again.known], [0, 3]);
    const role = { organization: 'acme', kind: 'organization', enterprise: undefined, contract: undefined } as const;
    assert.equal((await deps.directory.active(role))?.generation.chain.length, 2);
    const { rows } = await database.run('platform', (tx) => auditLog.page(tx, 'acme', undefined, 10));
    assert.deepEqual(
      rows.map(({ action }) => action),
      Array.from({ length: 3 }, () => 'authority.imported'),
    );
  });

  it('publishes the next CRL of the root when it has begun, and takes no revocation back', async () => {
    const next = (lists: readonly ReadyCrl[], clock = systemClock) =>
      importAuthorities({ ...deps, clock }, [organization, service], lists);
    const lists = [await crlOf(-1), await crlOf(5)];
    assert.deepEqual((await next(lists)).crls, [lists[0]!.crl.extensions.crlNumber]);
    assert.deepEqual((await next(lists)).crls, [], 'it is there already');
    const inSixDays = { now: () => new Date(Date.now() + 6 * DAY_MS) };
    const late = await next([], { now: () => new Date(Date.now() + 8 * DAY_MS) });
    assert.equal(late.withoutCrl.length, 1, 'the one that is served has ended');
    assert.deepEqual((await next(lists, inSixDays)).crls, [lists[1]!.crl.extensions.crlNumber]);
    await assert.rejects(next(lists.slice(0, 1)), { code: 'CRL_REFUSED' }, 'a later one is published');
    const revoking = await crlOf(5.5, [made.root]);
    assert.equal((await next([revoking], inSixDays)).crls.length, 1);
    await assert.rejects(next([await crlOf(5.6)], inSixDays), {
      code: 'CRL_REFUSED',
      message: /has forgotten .* again/,
    });
  });

  it('of a CA that was certified anew remembers what its key was given before', async () => {
    const issuer = createIssuer({
      signer: offline,
      store: new MemoryCertificateStore(),
      clock: systemClock,
      random: { bytes: (length) => new Uint8Array(randomBytes(length)) },
      generationOf: async () => made.root,
    });
    const { certificate } = await issuer.issue({
      profile: loadProfiles()['service-ca'],
      issuer: made.root,
      key: { held: service.key },
      subject: { organization: 'acme', commonName: 'Service CA' },
      principal: 'again',
      keyOwner: 'again',
      context: {},
    });
    await online.bindCertificate(service.key.id, certificate, made.root.certificate!.der);
    const key = (await online.keys()).find(({ id }) => id === service.key.id)!;
    const [before, root] = service.chain;
    service = { ...service, key, chain: [decodeCertificate(certificate), root!] };
    for (const written of [1, 0]) {
      assert.equal((await importAuthorities(deps, [organization, service], [])).authorities.length, written);
      assert.deepEqual((await deps.directory.find(key.id))!.authority.former, [before.der]);
    }
  });

  it('is refused where another CA is in office', async () => {
    const known = await deps.directory.list({ kind: 'service', limit: 1 });
    await deps.directory.save({ ...known[0]!, status: 'crl-only' });
    await deps.directory.save({ ...known[0]!, key: 'another', keyIdentifier: new Uint8Array(20) });
    await assert.rejects(importAuthorities(deps, [organization, service], []), { code: 'AUTHORITY_EXISTS' });
  });

  it('a CA below an offline root is retired when the CRL of that root revokes it, and not before', async () => {
    const parts = {
      ...deps,
      signer: online,
      fence: new Fence(),
      transactions: database,
      certificates: certificateFinder,
      revoker: createRevoker({ signer: online, store: revocations, clock: systemClock }),
    };
    const retireIt = () => retire({ ...parts, revocations }, service.key.id, { endLive: false });
    const serials = [service.chain[0], made.service.certificate!].map(({ serial }) => toHex(serial));
    const notYet = (which: string) => ({ code: 'AUTHORITY_NOT_REVOKED', message: new RegExp(`serial ${which} under`) });
    await assert.rejects(retireIt(), notYet(serials.join(', ')));
    const [root] = await deps.directory.list({ kind: 'root', limit: 1 });
    const inSixDays = new Date(Date.now() + 6 * DAY_MS);
    const publish = async (day: number, revoked: Parameters<typeof crlOf>[1]) =>
      publishRootCrl(revocations, root!.key, await crlOf(day, revoked), inSixDays);
    await publish(5.7, [made.root, { certificate: service.chain[0] }]);
    await assert.rejects(retireIt(), notYet(serials[1]!), 'the former certificate is good for the key, too');
    await publish(5.8, [made.root, made.service, { certificate: service.chain[0] }]);
    assert.equal((await retireIt()).ended, 'revoked by its root');
    const key = (await online.keys()).find(({ id }) => id === service.key.id);
    assert.ok(key?.retiredAt !== undefined);
  });

  it('of a successor takes the place of a CA whose key was lost, below the same root and no other', async function () {
    this.timeout(60_000);
    const empty = await testDatabase(this, 'embedded');
    const [again, foreign] = await Promise.all([signerIn('again'), signerIn('foreign')]);
    try {
      const directory = new Directory({ transactions: empty, authorities, auditLog, clock: systemClock });
      const lists = createRevocationStore({ transactions: empty, auditLog, outbox, leases, holder: 'test' });
      const here = { ...deps, directory, revocations: lists };
      const take = (signer: Signer, given: readonly AuthorityBundle[]) =>
        importAuthorities({ ...here, signer }, given, []);
      await take(online, [organization]);
      const stranger = await bundleIn(foreign, foreign);
      const exists = (message: RegExp) => ({ code: 'AUTHORITY_EXISTS', message });
      await assert.rejects(take(foreign, [stranger]), exists(/import into a database of its own/));

      const successor = await bundleIn(again, offline);
      assert.deepEqual(
        (await take(again, [successor])).authorities.map(({ key, status }) => [key, status]),
        [
          [organization.key.id, 'crl-only'],
          [successor.key.id, 'active'],
        ],
      );
      assert.equal((await take(again, [successor])).authorities.length, 0);

      // As a backup from before that comes back, when "licet reconcile" has found the key of the new one.
      const rowOf = async (key: string) => (await directory.find(key))!.authority;
      await directory.save({ ...(await rowOf(successor.key.id)), status: 'crl-only' });
      await directory.save({ ...(await rowOf(organization.key.id)), status: 'active' });
      assert.equal((await take(again, [successor])).authorities.length, 2);
      await assert.rejects(take(online, [organization]), exists(/the signer has lost: put that back/));
    } finally {
      await Promise.all([again, foreign].map((signer) => signer.close()));
      await empty.close();
    }
  });

  it('asks no more for the CRL of a root that was retired, which is when no CA below it is in use', async function () {
    this.timeout(60_000);
    const empty = await testDatabase(this, 'embedded');
    const later = await signerIn('later');
    try {
      const directory = new Directory({ transactions: empty, authorities, auditLog, clock: systemClock });
      const lists = createRevocationStore({ transactions: empty, auditLog, outbox, leases, holder: 'test' });
      const keys = async () => [...(await online.keys()), ...(await later.keys())];
      const here = { ...deps, directory, revocations: lists, signer: { keys } };
      await importAuthorities(here, [organization], []);
      const [root] = await directory.list({ kind: 'root', limit: 1 });
      const revoker = createRevoker({ signer: online, store: lists, clock: systemClock });
      const parts = { ...here, revoker, signer: online, fence: new Fence(), certificates: certificateFinder };
      const retireRoot = () => retire({ ...parts, transactions: empty }, root!.key, { endLive: true });
      await assert.rejects(retireRoot(), { code: 'AUTHORITY_IN_USE', message: new RegExp(organization.key.id) });

      const { root: second, organization: successor } = await hierarchyIn(later, later);
      const ended = { ...organization, key: { ...organization.key, retiredAt: new Date() } };
      await directory.save({ ...(await directory.find(organization.key.id))!.authority, status: 'retired' });
      const given = [ended, await bundleOf(later, successor)];
      const listed = [await crlOf(-1, [], second, later)];
      await assert.rejects(importAuthorities(here, given, listed), { code: 'CRL_REFUSED' });
      assert.equal((await retireRoot()).authority.status, 'retired');
      const { withoutCrl } = await importAuthorities(here, given, listed);
      assert.deepEqual([withoutCrl, await directory.roots()], [[], [second.certificate!.der]]);
    } finally {
      await later.close();
      await empty.close();
    }
  });

  it('by the program asks for the folder of a signer that is reached by its socket', async () => {
    const authority = { organization: 'acme', publicUrl: BASE, evaluation: 'off' };
    writeFileSync(at('socket.yaml'), JSON.stringify({ authority, signer: { socket: at('nobody') } }));
    const ran = promisify(execFile)(process.execPath, [PROGRAM, 'import', '--', '--config', at('socket.yaml')], {
      env: { PATH: process.env['PATH'] },
    });
    await assert.rejects(ran, { code: 78, stderr: /^licet: The chains .* name it as signer\.folder, .*\.\n$/ });
  });

  it('by the program, into PostgreSQL, from files alone', async function () {
    const production = await testDatabase(this, 'postgresql');
    try {
      const { text, name } = await crlOf(-1);
      await online.close();
      mkdirSync(at('online/authorities'));
      for (const { key, chain } of [organization, service]) {
        writeFileSync(
          at(`online/authorities/${key.id}.pem`),
          chain.map(({ der }) => encodePem('CERTIFICATE', der)).join(''),
        );
      }
      mkdirSync(at('crls'));
      writeFileSync(at(`crls/${name}`), text);
      const configuration = {
        database: { url: production.url },
        authority: { organization: 'acme', publicUrl: BASE, evaluation: 'off' },
        signer: { folder: 'online', passphraseFile: 'passphrase' },
        data: { folder: 'data' },
      };
      writeFileSync(at('licet.yaml'), JSON.stringify(configuration));
      const args = [PROGRAM, 'import', '--crls', at('crls'), '--', '--config', at('licet.yaml')];
      const { stdout } = await promisify(execFile)(process.execPath, args, { env: { PATH: process.env['PATH'] } });
      assert.match(stdout, /^\w{40} {2}root .* active .* acme {2}\(key elsewhere\)$/m);
      assert.match(stdout, new RegExp(`^${organization.key.id}  organization .* active .* acme$`, 'm'));
      assert.match(stdout, /^The CRL \d+ of the root is published\.$/m);
      const list = [PROGRAM, 'list', '--', '--config', at('licet.yaml')];
      const listed = await promisify(execFile)(process.execPath, list, { env: { PATH: process.env['PATH'] } });
      assert.deepEqual(listed.stdout.split('\n').slice(0, -1).toSorted(), stdout.split('\n').slice(0, 3).toSorted());
    } finally {
      await production.close();
    }
  });
});
