import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { keyIdentifierOf, type KeyDescription, publishDue, SIGNATURE_ALGORITHMS } from '@licet/authority';
import {
  type Certificate,
  type Claims,
  createName,
  decodeCertificate,
  encodeCertificate,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  encodeClaims,
  encodePem,
  fromHex,
  encodeTbsCertificate,
  extension,
  OID,
  toHex,
} from '@licet/format';
import { TrustAnchors, verifyLicenseSync } from '@licet/verify';
import { requireTool } from '@licet/checks';
import { retire } from '../../authority/retire.ts';
import { rollOver } from '../../authority/rollover.ts';
import { reconcile } from '../../authority/reconcile.ts';
import { systemClock } from '../../clock.ts';
import type { DelegatedContract } from '../../licensing/ports/delegation.ts';
import type { IssuedLicense } from '../../licensing/ports/issuance.ts';
import { auditLog } from '../../persistence/audit-log.ts';
import { licenseRecords } from '../../persistence/licensing/license-records.ts';
import { testDatabase } from '../../persistence/test/test-database.ts';
import { systemRandom as random } from '../../random.ts';
import type { AuthorityParts } from '../../wiring/authority.ts';
import { Hub, HUB_BASE } from './hub.ts';
import { contract, licenseOrder, lineageOf, Workshop } from './workshop.ts';

const OWN = '00000000-0000-4000-8000-0000000000ab';
const OTHER = '00000000-0000-4000-8000-0000000000ac';

/** Two servers with a database and a signer each: the vendor's, and the one of a customer. */
describe('an enterprise that keeps its own CA', function () {
  this.timeout(30_000);
  let vendor: Workshop;
  let hub: Hub;
  let first: { key: KeyDescription; csr: Uint8Array };
  const sold = contract({ id: OWN });
  const less = contract({ id: OWN, sequence: 2, features: ['press'] });
  const of = { organization: 'demo', enterprise: 'globex', contract: sold } as const;

  before(async function () {
    requireTool(this, 'openssl');
    vendor = await Workshop.open();
    const [root] = await vendor.authority.directory.roots();
    hub = await Hub.open(this, root!);
    first = await hub.request();
  });
  after(async () => {
    await hub?.close();
    await vendor?.close();
  });

  const delegation = () => vendor.authority.delegation;
  const order = (number: number, change: Partial<Claims> = {}) =>
    licenseOrder(lineageOf(number), contract({ id: OTHER, ...change }));
  const pem = (ders: readonly Uint8Array[]) => ders.map((der) => encodePem('CERTIFICATE', der)).join('');

  async function crlsOf({ directory, revocations }: AuthorityParts, signer: Workshop['signer']): Promise<Uint8Array[]> {
    const generations = () => directory.held();
    await publishDue({
      signer,
      store: revocations,
      clock: systemClock,
      generations,
      report: ({ kind }) => assert.notEqual(kind, 'refused'),
    });
    const lists: Uint8Array[] = [];
    for (const { key, addresses } of await generations()) {
      for (const shard of addresses!.crls.keys()) {
        const crl = await revocations.published({ issuer: key, shard });
        if (crl === undefined) continue;
        const parts: Uint8Array[] = [];
        for await (const part of revocations.parts(crl)) parts.push(part);
        lists.push(Buffer.concat(parts));
      }
    }
    return lists;
  }

  /** What openssl and our own verifier say, each with the CRLs that both servers publish. */
  async function judged(
    chain: readonly Uint8Array[],
  ): Promise<{ openssl: string; codes: readonly string[]; effective: Claims | undefined }> {
    const crls = [...(await crlsOf(vendor.authority, vendor.signer)), ...(await crlsOf(hub.authority, hub.signer))];
    const write = (name: string, text: string) => {
      const path = join(vendor.folder, name);
      writeFileSync(path, text);
      return path;
    };
    const root = write('root.pem', pem(chain.slice(-1)));
    const lists = write('lists.pem', crls.map((der) => encodePem('X509 CRL', der)).join(''));
    const files = ['-CAfile', root, '-CRLfile', lists, '-untrusted', write('above.pem', pem(chain.slice(1, -1)))];
    const leaf = write('leaf.pem', pem(chain.slice(0, 1)));
    const strict = ['-x509_strict', '-crl_check_all', '-extended_crl'];
    const { stdout, stderr } = spawnSync('openssl', ['verify', ...strict, ...files, leaf], { encoding: 'utf8' });
    const { codes, effective } = verifyLicenseSync(pem(chain), {
      anchors: TrustAnchors.fromDer(chain.slice(-1)),
      at: new Date(),
      evidence: { crls },
    });
    return { openssl: `${stdout}${stderr}`, codes: codes.map(({ code }) => code), effective };
  }

  it('is certified by its organization within its contract, and its request is looked at first', async () => {
    const wrongEnterprise = delegation().certify({ ...of, enterprise: 'initech' }, first.csr);
    await assert.rejects(wrongEnterprise, { code: 'NAME_INVALID' });
    const forged = Uint8Array.from(first.csr);
    forged[forged.length - 1]! ^= 1;
    await assert.rejects(delegation().certify(of, forged), { code: 'CSR_SIGNATURE' });
    const hosted = await vendor.authority.issuance.issue(licenseOrder(lineageOf(1)));
    assert.equal(hosted.chain.length, 4);
    await assert.rejects(delegation().certify({ ...of, contract: contract() }, first.csr), {
      code: 'AUTHORITY_EXISTS',
    });

    const { chain } = await delegation().certify(of, first.csr);
    assert.deepEqual((await delegation().certify(of, first.csr)).chain, chain, 'asked again, the same');
    const { authorities, withoutCrl } = await hub.accept(first.key, chain);
    assert.deepEqual(
      authorities.map(({ kind, held, contract: served }) => [kind, held, served]),
      [
        ['root', false, undefined],
        ['organization', false, undefined],
        ['enterprise', true, undefined],
      ],
    );
    assert.deepEqual(withoutCrl, [], 'what is above is published by the organization');
    assert.equal((await hub.accept(first.key, chain)).known, 3);
  });

  let license: IssuedLicense;
  it('licenses its sites for its own contracts, and openssl and licet agree that they are good', async () => {
    license = await hub.authority.issuance.issue(order(2));
    const { openssl, codes, effective } = await judged(license.chain);
    assert.match(openssl, /leaf\.pem: OK/);
    assert.deepEqual(codes, ['VALID']);
    assert.deepEqual(effective?.features, ['press', 'press/remote']);
    const [point] = decodeCertificate(license.chain[0]!).extensions.crlDistributionPoints!;
    assert.ok(point?.point?.kind === 'full' && point.point.names[0]?.kind === 'uri');
    assert.ok(point.point.names[0].value.startsWith(`${HUB_BASE}/crl/`), 'it publishes its own CRLs');
  });

  it('gives no license for more than its certificate says, nor for anybody else', async () => {
    const more = hub.authority.issuance.issue(order(3, { features: ['press', 'press/forever'] }));
    await assert.rejects(more, { code: 'CLAIMS_ABOVE_PARENT', message: /features: .*press\/forever.* \(the issuer\)/ });
    const longer = order(3, { term: { ...sold.term, to: new Date('2099-01-01T00:00:00Z') } });
    await assert.rejects(hub.authority.issuance.issue(longer), { code: 'CLAIMS_ABOVE_PARENT', message: /term/ });
    const foreign = hub.authority.issuance.issue({ ...order(3), enterprise: 'initech' });
    await assert.rejects(foreign, { code: 'AUTHORITY_MISSING' });
  });

  it('says before what it will not license', async () => {
    const obstacles = async (at: AuthorityParts, about: DelegatedContract, site?: Claims) =>
      (await at.issuance.obstacles(about, site)).map(({ code, claim }) => [code, claim]);
    const wide = contract({ id: OTHER, features: ['press', 'press/forever'] });
    const here = { organization: 'demo', enterprise: 'globex', contract: wide };
    assert.deepEqual(await obstacles(hub.authority, here), [['CLAIMS_ABOVE_PARENT', 'features']]);
    assert.deepEqual(await obstacles(hub.authority, here, { ...wide, features: ['press'] }), []);
    const foreign = await obstacles(hub.authority, { ...here, enterprise: 'initech' });
    assert.deepEqual(foreign, [['AUTHORITY_MISSING', 'issuer']]);
    assert.deepEqual(await obstacles(vendor.authority, of), [['AUTHORITY_DELEGATED', 'issuer']]);
    assert.deepEqual(await obstacles(vendor.authority, here), [], 'an evaluation widens its CA by itself');
  });

  it('starts with no other signer than its own', async () => {
    await assert.rejects(hub.startElsewhere(), { code: 'JOURNAL_LOST', message: /which this signer does not hold/ });
  });

  it('is imported into an empty database with a used signer, and what that has signed is put back', async function () {
    const database = await testDatabase(this, 'postgresql');
    try {
      const authority = await hub.withDatabase(database);
      const putBack = () =>
        reconcile({
          ...authority.journal,
          licenses: licenseRecords,
          auditLog,
          random,
          publish: authority.publish,
          makePartitions: async () => {},
        });
      const above = { code: 'AUTHORITY_MISSING', message: /run "licet authority import" first/ };
      await assert.rejects(putBack(), above);
      assert.deepEqual(await authority.directory.list({ limit: 9 }), [], 'nothing is written');
      await hub.importInto(authority);
      await authority.guard.check();
      assert.match(authority.fence.reason ?? '', /knows \d+ more certificates/);
      assert.equal((await putBack()).certificates > 0, true);
      await authority.guard.check();
      assert.equal(authority.fence.reason, undefined);
      const id = { issuer: first.key.id, serial: fromHex(license.serial) };
      assert.equal((await authority.revocations.find([id]))[0]?.state.state, 'valid');
    } finally {
      await database.close();
    }
  });

  it('alone licenses the sites of that contract', async () => {
    const there = vendor.authority.issuance.issue(licenseOrder(lineageOf(4), sold));
    await assert.rejects(there, { code: 'AUTHORITY_DELEGATED' });
  });

  it('gains nothing by signing more than it has with a key of its own', async () => {
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const { name, csr } = requestBy(keys);
    const { chain } = await delegation().certify({ ...of, contract: contract({ id: OTHER }) }, csr);
    const greedy = forgedBy(keys, decodeCertificate(chain[0]!), decodeCertificate(license.chain[0]!));
    assert.deepEqual(decodeCertificate(greedy).issuer.raw, name.raw);
    const verdict = verifyLicenseSync(pem([greedy, ...chain]), {
      anchors: TrustAnchors.fromDer(chain.slice(-1)),
      at: new Date(),
    });
    assert.deepEqual([verdict.effective?.features, verdict.effective?.tier.rank], [['press', 'press/remote'], 20]);
    assert.ok(verdict.codes.some(({ code }) => code === 'CLAIMS_TRIMMED'));
  });

  it('loses at once what its contract loses, and imports what took the place of its certificate', async () => {
    await vendor.changeStatus({ type: 'revoke', reason: 'superseded' }, { enterprise: of.enterprise, above: less });
    await delegation().follow({ ...of, contract: less });
    assert.match((await judged(license.chain)).openssl, /certificate revoked/);
    assert.ok((await judged(license.chain)).codes.includes('ISSUER_REVOKED'));
    const { chain } = await delegation().certify({ ...of, contract: less }, first.csr);
    assert.notDeepEqual(chain[0], license.chain[1]);
    await hub.accept(first.key, chain);
    await assert.rejects(hub.authority.issuance.issue(order(5)), { code: 'CLAIMS_ABOVE_PARENT' });
    const again = await judged([license.chain[0]!, ...chain]);
    assert.match(again.openssl, /OK/);
    assert.deepEqual(again.codes, ['CLAIMS_TRIMMED', 'VALID']);
    assert.deepEqual(again.effective?.features, ['press']);
    // As a backup of before is put back, whose contract says more again.
    const { directory } = vendor.authority;
    const inOffice = async () =>
      (await directory.byKeyIdentifier(keyIdentifierOf(decodeCertificate(chain[0]!).publicKey)))!.authority;
    await directory.save({ ...(await inOffice()), certificate: license.chain[1]! });
    await delegation().follow(of);
    assert.deepEqual((await inOffice()).certificate, chain[0]);
  });

  it('asks again when the CA above it was followed by another, and that one is not retired before it has gone', async () => {
    const role = { organization: 'demo', kind: 'organization', enterprise: undefined, contract: undefined } as const;
    const { authority, database, signer } = vendor;
    const parts = { ...authority, signer, clock: systemClock, transactions: database };
    const { from, to } = await rollOver(parts, (await authority.directory.active(role))!.authority.key);
    const inUse = { code: 'AUTHORITY_IN_USE' };
    await assert.rejects(retire(parts, from.key, { endLive: false }), inUse);
    const { chain } = await delegation().certify({ ...of, contract: less }, first.csr);
    assert.deepEqual(chain[1], to.certificate);
    await hub.accept(first.key, chain);
    const known = await hub.authority.directory.list({ kind: 'organization', limit: 9 });
    const byKey = new Map(known.map(({ keyIdentifier, status }) => [toHex(keyIdentifier), status]));
    assert.equal(byKey.get(toHex(from.keyIdentifier)), 'crl-only');
    assert.equal(byKey.get(toHex(to.keyIdentifier)), 'active');
    const fresh = await hub.authority.issuance.issue(order(7, { features: ['press'] }));
    assert.match((await judged(fresh.chain)).openssl, /OK/);
    await assert.rejects(retire(parts, from.key, { endLive: false }), inUse, 'sites have the older chain');
  });

  it('is followed by another key, and ends when its organization revokes it', async () => {
    const second = await hub.request(first.key);
    const { chain } = await delegation().certify({ ...of, contract: less }, second.csr);
    await assert.rejects(delegation().certify({ ...of, contract: less }, first.csr), { code: 'KEY_REUSED' });
    await hub.accept(second.key, chain);
    const fresh = await hub.authority.issuance.issue(order(6, { features: ['press'] }));
    assert.deepEqual(fresh.chain[1], chain[0]);
    const old = (await hub.authority.directory.find(first.key.id))!;
    assert.equal(old.authority.status, 'crl-only');
    const former = [license.chain[0]!, ...old.generation.chain.map(({ der }) => der)];
    assert.match((await judged(former)).openssl, /OK/);
    const parts = { ...vendor.authority, signer: vendor.signer, clock: systemClock, transactions: vendor.database };
    const generation1 = toHex(old.authority.keyIdentifier);
    await assert.rejects(retire(parts, generation1, { endLive: false }), { code: 'AUTHORITY_IN_USE' });
    const ended = { enterprise: of.enterprise, delegatedFor: OWN };
    const revoked = await vendor.changeStatus({ type: 'revoke', reason: 'keyCompromise' }, ended);
    assert.equal(revoked, 3, 'also the one below the older CA');
    for (const chain of [fresh.chain, former]) {
      const { openssl, codes } = await judged(chain);
      assert.match(openssl, /certificate revoked/);
      assert.ok(codes.includes('ISSUER_REVOKED'));
    }
  });
});

type Keys = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

function requestBy(keys: Keys) {
  const name = createName([
    { type: 'organizationName', value: 'demo' },
    { type: 'organizationalUnitName', value: 'globex' },
    { type: 'commonName', value: 'Globex hostile CA' },
  ]);
  const publicKey = { raw: keys.publicKey.export({ type: 'spki', format: 'der' }) };
  const info = encodeCertificationRequestInfo({ subject: name, publicKey });
  const algorithm = { raw: SIGNATURE_ALGORITHMS['P-256'] };
  return { name, csr: encodeCertificationRequest(info, algorithm, sign('sha256', info, keys.privateKey)) };
}

/** An honest license once more, under another CA and with all that one can wish for. */
function forgedBy({ privateKey }: Keys, ca: Certificate, honest: Certificate): Uint8Array {
  const greedy = contract({
    modes: ['production'],
    tier: { rank: 65_535, code: 'any' },
    features: ['everything', 'press', 'press/remote'],
  });
  const replaced = [
    extension.authorityKeyIdentifier({ keyIdentifier: keyIdentifierOf(ca.publicKey) }),
    { oid: OID.licenseClaims, critical: false, value: encodeClaims(greedy) },
  ];
  const algorithm = { raw: SIGNATURE_ALGORITHMS['P-256'] };
  const tbs = encodeTbsCertificate({
    serial: honest.serial,
    signatureAlgorithm: algorithm,
    issuer: ca.subject,
    notBefore: honest.notBefore,
    notAfter: honest.notAfter,
    subject: honest.subject,
    publicKey: honest.publicKey,
    extensions: honest.extensions.all.map((one) => replaced.find(({ oid }) => oid === one.oid) ?? one),
  });
  return encodeCertificate(tbs, algorithm, sign('sha256', tbs, privateKey));
}
