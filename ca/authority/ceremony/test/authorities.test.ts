import assert from 'node:assert/strict';
import { cpSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodePem, OID } from '@licet/format';
import { verifyPathSync } from '@licet/verify';
import { requireTool } from '@licet/checks';
import { AuthorityError } from '../../errors.ts';
import { claimsOf } from '../../signer/policy/bound-key.ts';
import { readAuthorityBundle } from '../bundle.ts';
import { readSecretFile } from '../../signer/launch.ts';
import { openSigner } from '../../signer/open.ts';
import { fingerprintOf } from '../words.ts';
import { BASE, CLAIMS, Hall, NOW } from './hall.ts';

describe('the ceremonies of CAs', function () {
  this.timeout(20_000);
  let made: Hall;
  let hall: Hall;

  before(async () => {
    made = new Hall();
    await made.root();
    await made.prepareSigners('online', 'other', 'globex');
  });
  after(() => made.leave());
  beforeEach(() => {
    hall = new Hall();
    for (const name of ['root', 'online', 'other', 'globex']) {
      cpSync(made.path(name), hall.path(name), { recursive: true });
    }
  });
  afterEach(() => hall.leave());

  it('make an organization CA with its claims, a service CA without, and both start a server', async function () {
    requireTool(this, 'openssl');
    const organization = await hall.authority('organization');
    await hall.authority('service');
    assert.deepEqual(claimsOf(organization)?.features, ['press', 'press/remote']);
    for (const authority of ['organization', 'service']) {
      const args = ['-CAfile', 'root/root.pem', `${authority}-signed/${authority}.pem`];
      assert.match(hall.opensslVerify(NOW, ...args), /: OK/);
    }
    const bundles = await readAuthorityBundle(hall.path('online'));
    assert.deepEqual(bundles.map(({ key }) => key.purpose).toSorted(), ['organization', 'service']);
    for (const { key, chain } of bundles) {
      assert.deepEqual(key.certificate, chain[0].der);
      assert.deepEqual(chain[1]!.der, hall.der('root', 'root.pem'));
    }
  });

  it('leave the chain of a key that is lost later where it is, for the CAs beside it to be read all the same', async () => {
    await hall.authority('organization');
    await hall.authority('service');
    const folder = hall.path('online');
    const { id: lost } = (await readAuthorityBundle(folder)).find(({ key }) => key.purpose === 'organization')!.key;
    rmSync(join(folder, 'keys', `${lost}.key`));
    await assert.rejects(readAuthorityBundle(folder), { code: 'KEY_UNKNOWN', message: new RegExp(lost) });
    const left = await readAuthorityBundle(folder, async (key) => key === lost);
    assert.deepEqual(
      left.map(({ key }) => key.purpose),
      ['service'],
    );
  });

  it('make an enterprise CA by files, within the organization that signs it', async function () {
    requireTool(this, 'openssl');
    await hall.authority('organization');
    const own = { signer: { folder: 'globex', passphraseFile: 'passphrase' } };
    await hall.request('request', 'enterprise', own);
    const issuer = {
      chain: 'organization-signed/chain.pem',
      publish: BASE,
      shards: 4,
      signer: { folder: 'online', passphraseFile: 'passphrase' },
    };
    const greedy = { ...CLAIMS, features: ['press', 'wine'], tier: { rank: 30, code: 'gold' } };
    await assert.rejects(hall.sign('signed', 'enterprise', 'request', { issuer, claims: greedy }), (error: unknown) => {
      assert.ok(error instanceof AuthorityError);
      assert.equal(error.code, 'CLAIMS_ABOVE_PARENT');
      assert.deepEqual(error.details.map((detail) => detail.split(':')[0] ?? '').toSorted(), ['features', 'tier']);
      return true;
    });
    await hall.sign('signed', 'enterprise', 'request', { issuer });
    await hall.accept('accepted', 'enterprise', 'signed', own);
    assert.equal((await readAuthorityBundle(hall.path('globex')))[0]?.chain.length, 3);
    const args = ['-CAfile', 'root/root.pem', '-untrusted', 'signed/chain.pem', 'signed/enterprise.pem'];
    assert.match(hall.opensslVerify(NOW, ...args), /: OK/);
    const text = hall.openssl('x509', '-in', 'signed/enterprise.pem', '-noout', '-text');
    assert.match(text, /Name Constraints: critical[\s\S]*globex/);
    // The organization's CA is followed by another, and the enterprise takes its next certificate from that.
    await hall.request('next', 'organization', { successor: true });
    await hall.sign('next-signed', 'organization', 'next');
    await hall.accept('next-accepted', 'organization', 'next-signed');
    await hall.request('request-2', 'enterprise', { ...own, successor: true });
    await hall.sign('signed-2', 'enterprise', 'request-2', { issuer: { ...issuer, chain: 'next-signed/chain.pem' } });
    await hall.accept('accepted-2', 'enterprise', 'signed-2', own);
    assert.equal((await readAuthorityBundle(hall.path('globex'))).length, 2);
  });

  it('make a second organization CA beside the first when that is said, and only then', async () => {
    await hall.authority('organization');
    await assert.rejects(hall.request('again', 'organization'), { message: /has its certificate already/ });
    await hall.request('second', 'organization', { successor: true });
    await hall.sign('second-signed', 'organization', 'second');
    await hall.accept('second-accepted', 'organization', 'second-signed');
    const bundles = await readAuthorityBundle(hall.path('online'));
    assert.deepEqual(
      bundles.map(({ key }) => key.generation),
      [1, 2],
    );
  });

  it('use the same key again when a request is made again', async () => {
    await hall.request('first', 'organization');
    await hall.request('second', 'organization');
    assert.equal(readdirSync(hall.path('online', 'keys')).filter((name) => name.endsWith('.key')).length, 1);
    const other = hall.request('third', 'organization', { algorithm: 'P-384' });
    await assert.rejects(other, { message: /the key there is of P-256/ });
  });

  const refusedRequests: readonly { name: string; change: object; error: object }[] = [
    {
      name: 'a fingerprint that is not the one read out',
      change: { fingerprint: '00'.repeat(32) },
      error: { code: 'CEREMONY_INVALID', message: /fingerprint that was read out; do not sign/ },
    },
    {
      name: 'another subject than that of the request',
      change: { subject: { organization: 'acme', commonName: 'Mallory' } },
      error: { code: 'CEREMONY_INVALID', message: /the request .* names another one/ },
    },
    {
      name: 'no claims for an organization',
      change: { claims: undefined },
      error: { code: 'LINT_FAILED', message: /needs claims/ },
    },
    {
      name: 'the name of an enterprise for an organization',
      change: { subject: { organization: 'acme', enterprise: 'globex', commonName: 'Acme organization CA' } },
      error: { code: 'CEREMONY_INVALID', message: /subject\.enterprise: does not belong here/ },
    },
    {
      name: 'an issuer of another kind',
      change: { authority: 'enterprise', subject: { organization: 'acme', enterprise: 'globex', commonName: 'x' } },
      error: { code: 'CEREMONY_INVALID', message: /its key is for "root" and not for "organization"/ },
    },
  ];
  for (const { name, change, error } of refusedRequests) {
    it(`sign nothing with ${name}`, async () => {
      await hall.request('request', 'organization');
      const before = hall.listing();
      const request = { request: 'request/organization.csr' };
      await assert.rejects(hall.sign('signed', 'organization', 'request', { ...request, ...change }), error);
      assert.deepEqual(hall.listing(), before);
    });
  }

  it('ask for the fingerprint where it is not in the file, and compare what was typed', async () => {
    await hall.request('request', 'organization');
    const right = hall.said
      .find((line) => line.includes('fingerprint'))!
      .split(' ')
      .at(-1)!;
    hall.answers = [(right.startsWith('0') ? '1' : '0') + right.slice(1)];
    const asked = { fingerprint: undefined };
    await assert.rejects(hall.sign('signed', 'organization', 'request', asked), { message: /do not sign it/ });
    await assert.rejects(hall.sign('signed', 'organization', 'request', asked), { message: /nobody is there to type/ });
    hall.answers = [right.toLowerCase().replaceAll(':', ' ')];
    await hall.sign('signed', 'organization', 'request', asked);
    assert.ok(!hall.said.slice(0, 3).join().includes(right), 'the screen must not show what is to come from paper');
  });

  it('refuse a request whose signature was damaged', async () => {
    await hall.request('request', 'organization');
    const der = Uint8Array.from(hall.der('request', 'organization.csr'));
    der[der.length - 1]! ^= 1;
    writeFileSync(hall.path('request', 'organization.csr'), encodePem('CERTIFICATE REQUEST', der));
    await assert.rejects(hall.sign('signed', 'organization', 'request'), { code: 'CSR_SIGNATURE' });
  });

  it('accept no chain of another root, of another key, or out of its time', async () => {
    await hall.request('request', 'organization');
    await hall.sign('signed', 'organization', 'request');
    const other = { rootFingerprint: '11'.repeat(32) };
    await assert.rejects(hall.accept('a', 'organization', 'signed', other), { message: /not the one in the file/ });
    await hall.request('elsewhere', 'organization', { signer: { folder: 'other', passphraseFile: 'passphrase' } });
    const foreign = { signer: { folder: 'other', passphraseFile: 'passphrase' } };
    await assert.rejects(hall.accept('b', 'organization', 'signed', foreign), { code: 'KEY_UNKNOWN' });
    hall.now = new Date('2035-01-01T00:00:00Z');
    await assert.rejects(hall.accept('c', 'organization', 'signed'), { message: /EXPIRED/ });
  });

  it('leave nothing behind wherever they are interrupted, and are simply held again', async () => {
    const steps = [
      () => hall.root('again'),
      () => hall.request('request', 'organization'),
      () => hall.sign('signed', 'organization', 'request'),
      () => hall.accept('accepted', 'organization', 'signed'),
    ];
    for (const step of steps) {
      const before = hall.listing();
      let interruptions = 0;
      for (hall.interruptAt = 0; ; hall.interruptAt += 1) {
        const done = await step().catch((error: unknown) => {
          assert.match(String(error), /interrupted/);
          return undefined;
        });
        if (done !== undefined) break;
        assert.deepEqual(hall.listing(), before);
        interruptions += 1;
      }
      assert.ok(interruptions > 4 && interruptions === hall.said.length);
    }
    assert.equal((await readAuthorityBundle(hall.path('online'))).length, 1);
    assert.equal(readdirSync(hall.path('online', 'keys')).filter((name) => name.endsWith('.key')).length, 1);
  });

  it('keep away from a signer that is in use', async () => {
    await hall.request('request', 'organization');
    const passphrase = await readSecretFile(hall.path('passphrase'));
    const busy = await openSigner({ folder: hall.path('online'), clock: hall.room.clock, keys: { passphrase } });
    try {
      await assert.rejects(hall.request('again', 'organization'), { code: 'SIGNER_UNAVAILABLE' });
    } finally {
      await busy.close();
    }
  });

  describe('and the rollover of the root', () => {
    const roll = (algorithm = 'P-256') =>
      hall.hold('rollover', 'root-2', {
        old: hall.byRoot(),
        algorithm,
        publish: BASE,
        shares: { needed: 2, custodians: ['ada', 'grace'] },
      });
    const newRoot = () => ({ issuer: hall.byRoot('root-2') });

    it('lead both ways: from the old root to what is new, from the new root to what is old', async function () {
      requireTool(this, 'openssl');
      await hall.authority('organization');
      await roll();
      await hall.request('second', 'organization', { successor: true });
      await hall.sign('second-signed', 'organization', 'second', newRoot());
      const ways = [
        { trusted: 'root', link: 'new-with-old.pem', leaf: 'second-signed/organization.pem' },
        { trusted: 'root-2', link: 'old-with-new.pem', leaf: 'organization-signed/organization.pem' },
      ];
      for (const { trusted, link, leaf } of ways) {
        const anchors = ['-CAfile', `${trusted}/root.pem`];
        assert.match(hall.opensslVerify(NOW, ...anchors, '-untrusted', join('root-2', link), leaf), /: OK/);
        assert.match(hall.opensslVerify(NOW, ...anchors, leaf), /error 20|error 7/);
        const { ok, findings } = verifyPathSync(hall.der(leaf), {
          intermediates: [hall.der('root-2', link)],
          anchors: [hall.der(trusted, 'root.pem')],
          policies: {
            initial: [OID.licensePolicy],
            requireExplicit: true,
          },
          at: NOW,
        });
        assert.ok(ok, JSON.stringify(findings));
      }
    });

    it('let a signer that knows the old root accept a CA of the new one, by its link', async () => {
      await hall.authority('organization');
      await roll('ML-DSA-65');
      await hall.request('second', 'organization', { successor: true });
      await hall.sign('second-signed', 'organization', 'second', newRoot());
      const rootFingerprint = fingerprintOf(hall.der('root-2', 'root.pem'));
      const alone = hall.accept('alone', 'organization', 'second-signed', { rootFingerprint });
      await assert.rejects(alone, { code: 'SIGNER_REFUSED', message: /nobody here vouches for the issuer/ });
      for (const wrong of ['root/root.pem', 'root-2/root.pem', 'organization-signed/organization.pem']) {
        await assert.rejects(
          hall.accept('wrong', 'organization', 'second-signed', { rootFingerprint, links: [wrong] }),
          { code: 'CEREMONY_INVALID', message: /^The file .*: links: .* is not one certificate by which/ },
        );
      }
      const links = ['root-2/new-with-old.pem', 'root-2/old-with-new.pem'];
      await hall.accept('linked', 'organization', 'second-signed', { rootFingerprint, links });
      const [first, second] = await readAuthorityBundle(hall.path('online'));
      assert.deepEqual([first?.links.length, first?.chain.length, second?.chain.length], [0, 2, 2]);
      assert.deepEqual(
        second?.links.map(({ der }) => der),
        links.map((file) => hall.der(file)),
      );
    });
  });

  it('make a whole hierarchy of ML-DSA-65 that our verifier accepts with its CRL', async () => {
    await hall.root('pq', { algorithm: 'ML-DSA-65' });
    const issuer = hall.byRoot('pq');
    await hall.request('request', 'organization', { algorithm: 'ML-DSA-65' });
    await hall.sign('signed', 'organization', 'request', { issuer });
    await hall.hold('crl', 'crls', { issuer, periodDays: 30, overlapDays: 5, count: 1 });
    const [crl = ''] = readdirSync(hall.path('crls')).filter((name) => name.startsWith('crl-'));
    const { ok, findings } = verifyPathSync(hall.der('signed', 'organization.pem'), {
      intermediates: [],
      anchors: [hall.der('pq', 'root.pem')],
      crls: [hall.der('crls', crl)],
      requireRevocation: true,
      at: NOW,
    });
    assert.ok(ok, JSON.stringify(findings));
  });
});
