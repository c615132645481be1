import assert from 'node:assert/strict';
import { generateKeyPairSync, sign } from 'node:crypto';
import { makeCsr } from '@licet/authority/workshop';
import {
  createAlgorithm,
  createName,
  encodeCertificationRequest,
  encodeCertificationRequestInfo,
  extension,
  fingerprintsAttribute,
  OID,
} from '@licet/format';
import { fingerprintDigest } from '@licet/verify';
import { keyOwnerOf } from '../../authority/first-request.ts';
import { sql } from '../../persistence/database.ts';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import { createToken } from '../enrolment/create-token.ts';
import { enrol } from '../enrolment/enrol.ts';
import { issueByHand } from '../enrolment/issue-by-hand.ts';
import { LicetError } from '../errors.ts';
import { claimsOf } from '../licenses/claims-of.ts';
import { revokeLicense } from '../licenses/change-status.ts';
import type { Contract } from '../model/contract.ts';
import type { IssuedLicense } from '../ports/issuance.ts';
import { keyIn } from '../read-csr.ts';
import { createSite } from '../sites/create-site.ts';
import { fingerprintsIn } from '../sites/fingerprints.ts';
import { hasCode, Office, OWNER } from './office.ts';

/** As `licet-agent` makes it where the license is to be bound to its machine. */
function boundCsr(texts: readonly string[]): Uint8Array {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const info = encodeCertificationRequestInfo({
    subject: createName([]),
    publicKey: { raw: publicKey.export({ type: 'spki', format: 'der' }) },
    attributes: [fingerprintsAttribute(texts)],
  });
  return encodeCertificationRequest(info, createAlgorithm(OID.ecdsaWithSha256), sign('sha256', info, privateKey));
}

describe('A first request', () => {
  let database: TestDatabase;
  let office: Office;
  let working: Office['issuing'];
  before(async function () {
    database = await testDatabase(this);
    office = new Office(database);
    working = office.issuing;
    await office.open();
  });
  after(() => database?.close());
  beforeEach(() => (office.issuing = working));

  const pending = async (contract: Contract, name = 'plant') =>
    createSite(office.deps)(OWNER, { contract: contract.id, name, mode: 'production' });
  const sitesOf = (contract: Contract) =>
    database.run('platform', (tx) =>
      sql(tx).query<{ name: string; status: string }>('select name, status from sites where contract = $1', [
        contract.id,
      ]),
    );
  const away = () =>
    Promise.reject(new LicetError('unavailable', 'SIGNER_UNAVAILABLE', 'Away.', { retryAfterSeconds: 2 }));

  type Way = (contract: Contract, csr: Uint8Array) => Promise<IssuedLicense>;
  const WAYS: Readonly<Record<string, Way>> = {
    'with a token': async (contract, csr) => {
      const wanted = { contract: contract.id, name: 'plant', mode: 'production', options: {} } as const;
      const { token } = await createToken(office.deps)(OWNER, wanted);
      const fingerprints = fingerprintsIn(csr);
      return enrol(office.deps)({ token, csr, ...(fingerprints && { fingerprints }) });
    },
    'carried by hand': async (contract, csr) =>
      issueByHand(office.deps)(OWNER, { site: (await pending(contract)).site.id, csr }),
    'sent with its site': async (contract, csr) =>
      (await createSite(office.deps)(OWNER, { contract: contract.id, name: 'plant', mode: 'production', csr }))
        .license!,
  };

  for (const [way, ask] of Object.entries(WAYS)) {
    describe(way, () => {
      for (const [what, code, request, terms] of [
        ['the name of another site', 'SUBJECT_MISMATCH', () => makeCsr('P-256', { name: 'other' })],
        [
          'another alternative name',
          'SAN_MISMATCH',
          () =>
            makeCsr('P-256', {
              extensions: [extension.subjectAltName([{ kind: 'dns', value: 'host.globex.example' }])],
            }),
        ],
        ['fewer fingerprints than the contract demands', 'BINDING_NEEDED', () => boundCsr(['one']), { bindingNeed: 2 }],
        [
          'the key of another license',
          'KEY_REUSED',
          async () => {
            const csr = makeCsr();
            await office.site((await office.customer()).contract, { csr });
            return csr;
          },
        ],
        [
          'a key that others know',
          'KEY_BLOCKED',
          async () => {
            const csr = makeCsr();
            const { license } = await office.site((await office.customer()).contract, { csr });
            await revokeLicense(office.deps)(OWNER, { serial: license.serial, reason: 'keyCompromise' });
            return csr;
          },
        ],
      ] as [string, string, () => Uint8Array | Promise<Uint8Array>, object?][]) {
        it(`is refused for ${what}, and leaves nothing behind`, async () => {
          const { contract } = await office.customer(terms);
          await assert.rejects(ask(contract, await request()), hasCode(code));
          const left = way === 'carried by hand' ? [{ name: 'plant', status: 'pending' }] : [];
          assert.deepEqual(await sitesOf(contract), left);
        });
      }

      it('binds the license to the fingerprints that it says', async () => {
        const { contract } = await office.customer({ bindingNeed: 2 });
        const { id, binding } = claimsOf((await ask(contract, boundCsr(['a', 'b', 'c']))).chain[0]!);
        assert.equal(binding?.need, 2);
        assert.ok(binding.digests.includes(fingerprintDigest(id, 'b')));
      });
    });
  }

  it('that came to nothing binds no other machine to its own', async () => {
    const { contract } = await office.customer();
    const { site, enrolment } = await pending(contract);
    office.issuing = away;
    const first = enrol(office.deps)({ token: enrolment!.token, csr: makeCsr(), fingerprints: ['machine-a'] });
    await assert.rejects(first, hasCode('SIGNER_UNAVAILABLE'));
    office.issuing = working;
    const { token } = await createToken(office.deps)(OWNER, { site: site.id, options: {} });
    const license = await enrol(office.deps)({ token, csr: makeCsr() });
    assert.equal(claimsOf(license.chain[0]!).binding, undefined);
  });

  it('goes on with the key that was recorded for its site, also with another token', async () => {
    const { contract } = await office.customer();
    const { site, enrolment } = await pending(contract);
    const csr = makeCsr();
    office.issuing = async ({ organization }) => {
      const key = [Buffer.from(keyIn(csr)), organization, keyOwnerOf(site.lineage)];
      await database.run('platform', (tx) =>
        sql(tx).query('insert into public_keys (hash, organization, owner) values ($1, $2, $3)', key),
      );
      return away();
    };
    await assert.rejects(enrol(office.deps)({ token: enrolment!.token, csr }), hasCode('SIGNER_UNAVAILABLE'));
    office.issuing = working;
    const { token } = await createToken(office.deps)(OWNER, { site: site.id, options: {} });
    assert.equal((await enrol(office.deps)({ token, csr })).fresh, true);
  });

  it('sent with its site again, signed anew with the same key, means that site, and with another key does not', async () => {
    const { contract } = await office.customer();
    const keys = generateKeyPairSync('ec', { namedCurve: 'P-256' });
    const make = (csr: Uint8Array) =>
      createSite(office.deps)(OWNER, { contract: contract.id, name: 'plant', mode: 'production', csr });
    office.issuing = away;
    await assert.rejects(make(makeCsr('P-256', { keys })), hasCode('SIGNER_UNAVAILABLE'));
    office.issuing = working;
    await assert.rejects(make(makeCsr()), hasCode('SITE_EXISTS'));
    const { license } = await make(makeCsr('P-256', { keys }));
    assert.equal((await make(makeCsr('P-256', { keys }))).license?.serial, license?.serial);
  });

  it('sent with its site, that the CA above refuses for good, leaves no site behind, and finds the license of before', async () => {
    const { contract } = await office.customer();
    const make = (name: string, csr: Uint8Array) =>
      createSite(office.deps)(OWNER, { contract: contract.id, name, mode: 'production', csr });
    const csr = makeCsr();
    const { license } = await make('earlier', csr);
    const detail = '"press/forever" is not granted';
    office.above = [{ code: 'CLAIMS_ABOVE_PARENT', claim: 'features', detail }];
    office.issuing = () => Promise.reject(new LicetError('conflict', 'CLAIMS_ABOVE_PARENT', detail));
    await assert.rejects(make('plant', makeCsr()), hasCode('CLAIMS_ABOVE_PARENT'));
    assert.equal((await make('earlier', csr)).license?.serial, license?.serial);
    office.above = [];
    assert.deepEqual(
      (await sitesOf(contract)).map(({ name }) => name),
      ['earlier'],
    );
  });

  it('with fingerprints and without a request is refused: nothing would come of them', async () => {
    const { contract } = await office.customer();
    const wanted = { contract: contract.id, name: 'plant', mode: 'production' } as const;
    await assert.rejects(
      createSite(office.deps)(OWNER, { ...wanted, fingerprints: ['a'] }),
      hasCode('FINGERPRINTS_MISPLACED'),
    );
    assert.deepEqual(await sitesOf(contract), []);
  });

  it('carried by hand twice finds its license, but not one that is revoked', async () => {
    const { contract } = await office.customer();
    const { site } = await pending(contract);
    const sign = issueByHand(office.deps);
    const csr = makeCsr();
    const license = await sign(OWNER, { site: site.id, csr });
    assert.equal((await sign(OWNER, { site: site.id, csr })).serial, license.serial);
    await revokeLicense(office.deps)(OWNER, { serial: license.serial, reason: 'superseded' });
    await assert.rejects(sign(OWNER, { site: site.id, csr }), hasCode('LICENSE_REVOKED'));
    office.clock.set(new Date(license.notAfter.getTime() + 1000));
    await assert.rejects(sign(OWNER, { site: site.id, csr }), hasCode('SITE_ENROLLED'));
  });
});
