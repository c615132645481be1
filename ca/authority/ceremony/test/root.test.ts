import assert from 'node:assert/strict';
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { decodeCertificateList } from '@licet/format';
import { verifyPathSync } from '@licet/verify';
import { requireThat, requireTool } from '@licet/checks';
import { createSoftToken, pkcs11Module, PIN, softHsmLibrary, TOKEN } from '@licet/keystores/testing';
import { listKeyFiles, rewrapSigner } from '../../keys/offline.ts';
import { ALL_ALGORITHMS } from '../../profiles/profile.ts';
import { verifyTranscript } from '../verify-transcript.ts';
import { BASE, Hall, NOW, opensslText } from './hall.ts';

const DAY_MS = 86_400_000;
const CRLS = { periodDays: 90, overlapDays: 10, count: 4 };

describe('the ceremony of a root', function () {
  this.timeout(20_000);
  let hall: Hall;
  beforeEach(() => (hall = new Hall()));
  afterEach(() => hall.leave());

  const crls = (output: string, change: object = {}) =>
    hall.hold('crl', output, { issuer: hall.byRoot(), ...CRLS, ...change });

  for (const algorithm of ALL_ALGORITHMS) {
    it(`makes one of ${algorithm} that our verifier accepts with its CRL`, async () => {
      await hall.root('root', { algorithm });
      await crls('crls');
      const [name = ''] = readdirSync(hall.path('crls')).filter((file) => file.startsWith('crl-'));
      const { ok, findings } = verifyPathSync(hall.der('root', 'root.pem'), {
        intermediates: [],
        anchors: [hall.der('root', 'root.pem')],
        crls: [hall.der('crls', name)],
        at: NOW,
      });
      assert.ok(ok, JSON.stringify(findings));
    });
  }

  it('makes a certificate as openssl expects one of a root', async function () {
    requireTool(this, 'openssl');
    await hall.root('root', { algorithm: 'P-384', until: '2040-01-01T00:00:00Z' });
    const text = opensslText(readFileSync(hall.path('root', 'root.pem'), 'utf8'));
    assert.match(text, /CA:TRUE, pathlen:2/);
    assert.match(text, /Signature Algorithm: ecdsa-with-SHA384/);
    assert.match(text, /Not After : Jan {2}1 00:00:00 2040 GMT/);
    assert.match(hall.opensslVerify(NOW, '-CAfile', 'root/root.pem', 'root/root.pem'), /: OK/);
  });

  it('gets other shares, with which it signs on, and those of before open it no more', async () => {
    await hall.root();
    const was = listKeyFiles(hall.path('root', 'signer'));
    const change = {
      signer: { folder: 'root/signer', shares: ['root/shares/ada.share', 'root/shares/hedy.share'] },
      shares: { needed: 2, custodians: ['hedy', 'joan'] },
    };
    await hall.hold('shares', 'others', change);
    assert.deepEqual(await listKeyFiles(hall.path('others', 'signer')), await was);
    const issuer = (folder: string, ...shares: string[]) => ({
      issuer: { chain: 'root/root.pem', publish: BASE, signer: { folder: `${folder}/signer`, shares } },
      periodDays: 30,
      overlapDays: 5,
      count: 1,
    });
    const old = ['root/shares/ada.share', 'root/shares/grace.share'];
    const others = ['others/shares/hedy.share', 'others/shares/joan.share'];
    await hall.hold('crl', 'crls', issuer('others', ...others));
    await assert.rejects(hall.hold('crl', 'refused', issuer('others', ...old)), { code: 'KEY_LOCKED' });
    await assert.rejects(hall.hold('crl', 'refused', issuer('root', ...others)), { code: 'KEY_LOCKED' });
    const mixed = issuer('others', 'root/shares/hedy.share', 'others/shares/hedy.share');
    await assert.rejects(hall.hold('crl', 'refused', mixed), { code: 'SHARE_WRONG' });
    const { away } = await verifyTranscript(hall.path('others', 'transcript.txt'));
    assert.deepEqual(away, []);
    const [before, after] = ['root', 'others'].map((name) => readFileSync(hall.path(name, 'transcript.txt'), 'utf8'));
    const head = /journal of signer after: line (\d+) hash (\w+) /.exec(before!);
    assert.ok(after!.includes(`journal of root/signer before: line ${head?.[1]} hash ${head?.[2]} `));
  });

  it('is opened by any two of three shares, and not by one', async () => {
    await hall.root();
    for (const [i, pair] of [
      ['ada', 'grace'],
      ['ada', 'hedy'],
      ['hedy', 'grace'],
    ].entries()) {
      await crls(`by-${i}`, { issuer: hall.byRoot('root', pair), from: `2027-01-0${i + 2}T00:00:00Z` });
    }
    const twice = crls('by-one', { issuer: hall.byRoot('root', ['ada', 'ada']) });
    await assert.rejects(twice, { code: 'SHARE_MISSING', message: /2 different shares .* 1 were given \(1\)/ });
  });

  it('names the file of a share in which any one character was changed, and makes nothing', async () => {
    await hall.root();
    const file = hall.path('root', 'shares', 'grace.share');
    const share = readFileSync(file, 'utf8').trim();
    const before = hall.listing();
    for (let i = 0; i < share.length; i += 7) {
      const other = share[i] === '0' ? '1' : '0';
      writeFileSync(file, `${share.slice(0, i)}${other}${share.slice(i + 1)}\n`);
      const named = { code: 'SHARE_WRONG', message: /The file root\/shares\/grace\.share does not open/ };
      await assert.rejects(crls('crls'), named, `character ${i}`);
    }
    assert.deepEqual(hall.listing(), before);
  });

  it('names the set of a share of another root', async () => {
    await hall.root();
    await hall.root('other');
    const mixed = {
      ...hall.byRoot(),
      signer: { folder: 'root/signer', shares: ['root/shares/ada.share', 'other/shares/grace.share'] },
    };
    await assert.rejects(crls('crls', { issuer: mixed }), { code: 'SHARE_WRONG', message: /belongs to another set/ });
    const foreign = {
      ...hall.byRoot(),
      signer: { ...(hall.byRoot('other')['signer'] as object), folder: 'root/signer' },
    };
    await assert.rejects(crls('crls', { issuer: foreign }), { code: 'KEY_LOCKED' });
  });

  it('shows in a dry run what it then makes, and makes nothing', async () => {
    const before = hall.listing();
    await hall.hold('root', 'root', rootFields(), { dryRun: true });
    assert.deepEqual(hall.listing(), before);
    const shown = hall.said;
    await hall.hold('root', 'root', rootFields());
    assert.deepEqual(hall.said.slice(0, shown.length), shown);
    const { notBefore, notAfter } = hall.certificate('root', 'root.pem');
    const iso = (at: Date) => at.toISOString().replace('.000', '');
    assert.ok(shown.some((line) => line.includes(`valid from ${iso(notBefore)} to ${iso(notAfter)}`)));
  });

  it('goes on only when the answer is yes', async () => {
    hall.answers = ['y'];
    await assert.rejects(hall.hold('root', 'root', rootFields(), { yes: false }), {
      message: 'Nothing was made. It was not confirmed.',
    });
    assert.deepEqual(hall.listing(), ['passphrase']);
  });

  it('clears away what a killed run left, and never overwrites what is done', async () => {
    mkdirSync(hall.path('.root.unfinished-abc123'));
    await hall.root();
    assert.deepEqual(hall.listing(), ['passphrase', 'root']);
    await assert.rejects(hall.root(), { code: 'CEREMONY_INVALID', message: /output: root exists already/ });
  });

  it('keeps the key in a token where it has one', async function () {
    requireTool(this, 'softhsm2-util');
    const module = pkcs11Module();
    const library = softHsmLibrary();
    requireThat(this, [
      ...(module === undefined ? ['the package pkcs11js'] : []),
      ...(library === undefined ? ['libsofthsm2.so'] : []),
    ]);
    createSoftToken(hall.folder);
    writeFileSync(hall.path('pin'), PIN);
    const pkcs11 = { module, library, token: TOKEN, pinFile: 'pin' };
    await hall.root('root', { shares: undefined, pkcs11 });
    await crls('crls', {
      issuer: { chain: 'root/root.pem', publish: BASE, signer: { folder: 'root/signer', pkcs11 } },
    });
    assert.equal(readdirSync(hall.path('crls')).filter((name) => name.startsWith('crl-')).length, CRLS.count);
    const folder = hall.path('root/signer');
    assert.deepEqual(
      (await listKeyFiles(folder)).map(({ purpose }) => purpose),
      ['root'],
    );
    const rewrap = rewrapSigner({ folder, unlock: { passphrase: Buffer.from('none') }, clock: { now: () => NOW } });
    await assert.rejects(rewrap, { code: 'SIGNER_REFUSED', message: /lie in "pkcs11"/ });
  });

  describe('its CRLs', () => {
    it('are good for openssl from their begin to their end, with numbers that rise', async function () {
      requireTool(this, 'openssl');
      await hall.root();
      await crls('crls');
      const names = readdirSync(hall.path('crls')).filter((name) => name.startsWith('crl-'));
      const lists = names.map((name) => decodeCertificateList(hall.der('crls', name)));
      for (const [i, { thisUpdate, nextUpdate }] of lists.entries()) {
        assert.equal(thisUpdate.getTime(), NOW.getTime() + i * 90 * DAY_MS);
        assert.equal(nextUpdate!.getTime(), thisUpdate.getTime() + 100 * DAY_MS);
        const args = ['-crl_check_all', '-CAfile', 'root/root.pem', '-CRLfile', `crls/${names[i]}`, 'root/root.pem'];
        assert.match(hall.opensslVerify(thisUpdate, ...args), /: OK/);
        // For openssl the last second does not belong to it any more.
        assert.match(hall.opensslVerify(new Date(nextUpdate!.getTime() - 1000), ...args), /: OK/);
        assert.match(hall.opensslVerify(nextUpdate!, ...args), /CRL has expired/);
      }
      const numbers = lists.map(({ extensions }) => extensions.crlNumber!);
      assert.deepEqual(
        numbers,
        [...new Set(numbers)].toSorted((a, b) => (a < b ? -1 : 1)),
      );
    });

    it('never forget what those before had revoked', async () => {
      await hall.root();
      const revoked = [{ serial: '01ab', at: '2027-01-01T00:00:00Z', reason: 'keyCompromise' }];
      await crls('first', { revoked });
      hall.now = new Date(NOW.getTime() + DAY_MS);
      const lost = { code: 'CRL_REFUSED', message: /revoked 01ab, which is missing here/ };
      await assert.rejects(crls('second', { previous: 'first' }), lost);
      await crls('second', { previous: 'first', revoked });
      const again = { previous: 'first', revoked, from: NOW.toISOString().replace('.000', '') };
      await assert.rejects(crls('third', again), {
        code: 'CRL_REFUSED',
        message: /has the number of a CRL to be made/,
      });
    });

    it('do not outlive the root, and revoke nothing in the future', async () => {
      await hall.root('root', { until: '2028-01-01T00:00:00Z' });
      await assert.rejects(crls('crls', { count: 6 }), { message: /count: crl-20280326.* after the root has ended/ });
      const revoked = [{ serial: '01ab', at: '2027-01-02T00:00:00Z', reason: 'keyCompromise' }];
      await assert.rejects(crls('crls', { revoked }), { message: /revoked\.0\.at: is after the first CRL begins/ });
    });
  });
});

const rootFields = () => ({
  algorithm: 'Ed25519',
  subject: { organization: 'acme', commonName: 'Acme Root' },
  publish: BASE,
  shares: { needed: 2, custodians: ['ada', 'grace'] },
});
