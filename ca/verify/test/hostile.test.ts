import assert from 'node:assert/strict';
import { createName, encodePem, extension, type GeneralName } from '@licet/format';
import { assert as check, property, uint8Array } from 'fast-check';
import { type PathOptions, type PathResult, TrustAnchors, verifyPath, verifyPathSync } from '../index.ts';
import { pathTask } from '../path/verify-path.ts';
import { runWithWebCrypto } from '../signatures/check.ts';
import { pathOptions } from './cases/case.ts';
import { CRL_CASES } from './cases/crls.ts';
import { PROFILE_CASES } from './cases/profile.ts';
import { AT, ca, crl, dns, keyPair, leaf, type Made, revoke, root } from './certificate-kit.ts';

const anchor = root();
const issuer = ca(anchor);
const below = leaf(issuer);
const crls = [crl(anchor), crl(issuer)];
const good: PathOptions = { anchors: [anchor.der], intermediates: [issuer.der], crls, at: AT, purpose: 'serverAuth' };

/** Bounded is what matters, and on a busy machine: a second is a hundred times what these take. */
function within(milliseconds: number, work: () => PathResult): PathResult {
  const start = performance.now();
  const result = work();
  const took = performance.now() - start;
  assert.ok(took < milliseconds, `took ${Math.round(took)} ms`);
  return result;
}

describe('hostile input to verifyPath', function () {
  this.timeout(30_000);

  it('is accepted while nothing is wrong with it', async () => {
    assert.deepEqual((await verifyPath(below.der, good)).codes, []);
  });

  it('ends in a code where bytes are no certificate, wherever they stand', () => {
    check(
      property(uint8Array({ maxLength: 200 }), (garbage) => {
        assert.deepEqual(verifyPathSync(garbage, good).codes, ['MALFORMED']);
        assert.ok(verifyPathSync(below.der, { ...good, anchors: [garbage] }).codes.includes('MALFORMED'));
        assert.ok(verifyPathSync(below.der, { ...good, intermediates: [garbage] }).codes.includes('MALFORMED'));
        assert.deepEqual(verifyPathSync(below.der, { ...good, crls: [garbage] }).codes, ['STATUS_UNKNOWN']);
        const beside = {
          ...good,
          anchors: [garbage, anchor.der],
          intermediates: [garbage, issuer.der],
          crls: [garbage, ...crls],
        };
        assert.equal(verifyPathSync(below.der, beside).ok, true);
      }),
      { numRuns: 50 },
    );
  });

  it('is never accepted with one bit of leaf, intermediate or CRL changed', () => {
    const objects = [below.der, issuer.der, ...crls];
    for (const [which, original] of objects.entries()) {
      for (let bit = which; bit < original.length * 8; bit += 11) {
        const mutant = original.slice();
        mutant[bit >> 3]! ^= 1 << (bit & 7);
        const [first, second, third, fourth] = objects.map((one, i) => (i === which ? mutant : one));
        const options = { ...good, intermediates: [second!], crls: [third!, fourth!] };
        const { ok, codes } = verifyPathSync(first!, options);
        assert.ok(!ok && codes.length > 0, `object ${which}, bit ${bit}`);
      }
    }
  });

  it('is refused at an instant that is none', () => {
    assert.equal(verifyPathSync(below.der, { ...good, at: new Date(Number.NaN) }).ok, false);
  });

  it('finds the path among 10,000 certificates, and says so when there is none', () => {
    const others = Array.from({ length: 10_000 }, (_, i) => ca(anchor, { subject: `other ${i}` }).der);
    const { crls: _, ...options } = good;
    const found = within(8000, () => verifyPathSync(below.der, { ...options, intermediates: [...others, issuer.der] }));
    assert.equal(found.ok, true);
    const missing = within(8000, () => verifyPathSync(below.der, { ...options, intermediates: others }));
    assert.deepEqual(missing.codes, ['CHAIN_INCOMPLETE']);
  });

  it('stops at the 16,385th object', () => {
    const many = Array.from({ length: 16_385 }, () => issuer.der);
    assert.deepEqual(within(8000, () => verifyPathSync(below.der, { ...good, intermediates: many })).codes, [
      'BUDGET_EXCEEDED',
    ]);
  });

  it('does not follow every path through CAs that certify each other', () => {
    const cas: Made[] = Array.from({ length: 12 }, (_, i) => ca(anchor, { subject: `mesh ${i}`, key: keyPair() }));
    const mesh = cas.flatMap((by) =>
      cas.filter((of) => of !== by).map((of) => ca(by, { subject: of.name, key: of.key }).der),
    );
    const { crls: _, ...options } = good;
    const result = within(4000, () =>
      verifyPathSync(leaf(cas[0]!).der, { ...options, anchors: [root({ subject: 'far' }).der], intermediates: mesh }),
    );
    assert.equal(result.ok, false);
    assert.equal(
      verifyPathSync(leaf(cas[0]!).der, { ...options, intermediates: [...mesh, ...cas.map(({ der }) => der)] }).ok,
      true,
    );
  });

  it('tries no more than a hundred signatures of namesakes', () => {
    const namesakes = Array.from(
      { length: 150 },
      () =>
        ca(anchor, {
          subject: 'same',
          key: keyPair(),
          with: { subjectKeyIdentifier: extension.subjectKeyIdentifier(below.key.id) },
        }).der,
    );
    const lost = leaf(
      { ...issuer, name: createName([{ type: 'commonName', value: 'same' }]) },
      { with: { authorityKeyIdentifier: extension.authorityKeyIdentifier({ keyIdentifier: below.key.id }) } },
    );
    const { crls: _, ...options } = good;
    assert.deepEqual(within(4000, () => verifyPathSync(lost.der, { ...options, intermediates: namesakes })).codes, [
      'BUDGET_EXCEEDED',
    ]);
  });

  it('does not compare every name with every constraint', () => {
    const subtrees: GeneralName[] = Array.from({ length: 1000 }, (_, i) => dns(`n${i}.example.org`));
    const names: GeneralName[] = Array.from({ length: 1000 }, (_, i) => dns(`m${i}.example.com`));
    const wide = ca(anchor, { with: { nameConstraints: extension.nameConstraints({ excluded: subtrees }) } });
    const bomb = leaf(wide, { with: { subjectAltName: extension.subjectAltName(names) } });
    const { crls: _, ...options } = good;
    assert.deepEqual(within(4000, () => verifyPathSync(bomb.der, { ...options, intermediates: [wide.der] })).codes, [
      'BUDGET_EXCEEDED',
    ]);
  });

  it('does not grow a tree of policies: eight depths of eight policies that map to each other', () => {
    const oids = Array.from({ length: 8 }, (_, i) => `1.2.3.${i}`);
    const mappings = oids.flatMap((from) => oids.map((to) => ({ issuer: from, subject: to })));
    const all = { policies: extension.certificatePolicies(oids), mappings: extension.policyMappings(mappings) };
    const chain: Made[] = [];
    for (let depth = 0; depth < 8; depth += 1) chain.push(ca(chain.at(-1) ?? anchor, { with: all }));
    const last = leaf(chain.at(-1)!, { with: { policies: all.policies } });
    const { crls: _, ...options } = good;
    const intermediates = chain.map(({ der }) => der);
    const result = within(2000, () =>
      verifyPathSync(last.der, { ...options, intermediates, policies: { requireExplicit: true } }),
    );
    assert.deepEqual([result.codes, result.policies.toSorted()], [[], oids]);
  });

  it('goes as deep as it is told, and no deeper', () => {
    const chain: Made[] = [];
    for (let depth = 0; depth < 9; depth += 1) chain.push(ca(chain.at(-1) ?? anchor));
    const last = leaf(chain.at(-1)!).der;
    const { crls: _, ...options } = { ...good, intermediates: chain.map(({ der }) => der) };
    assert.deepEqual(verifyPathSync(last, options).codes, ['PATH_TOO_LONG']);
    assert.equal(verifyPathSync(last, { ...options, maxDepth: 9 }).ok, true);
    assert.deepEqual(verifyPathSync(below.der, { ...good, maxDepth: 0 }).codes, ['PATH_TOO_LONG']);
  });
});

describe('TrustAnchors', () => {
  const pem = encodePem('CERTIFICATE', anchor.der);
  const { crls: _, ...options } = good;
  const verify = (anchors: TrustAnchors): string[] => verifyPathSync(below.der, { ...options, anchors }).codes;

  it('are read from PEM, and from nothing else', () => {
    assert.deepEqual(verify(TrustAnchors.fromPem(pem)), []);
    assert.throws(() => TrustAnchors.fromPem('no certificate'), { name: 'FormatError' });
    assert.deepEqual(
      verify(TrustAnchors.union(TrustAnchors.fromPem(encodePem('CERTIFICATE', root().der)), TrustAnchors.fromPem(pem))),
      [],
    );
  });

  it('hold their constraints', () => {
    const codesWith = (constraints: object): string[] => verify(TrustAnchors.fromPem(pem, { constraints }));
    assert.deepEqual(codesWith({ pathLength: 0 }), ['PATH_TOO_LONG']);
    assert.deepEqual(codesWith({ pathLength: 1 }), []);
    assert.deepEqual(codesWith({ purposes: ['license'] }), ['USAGE_INVALID']);
    assert.deepEqual(codesWith({ purposes: ['license', 'serverAuth'] }), []);
    assert.deepEqual(codesWith({ names: { permitted: [dns('example.org')], excluded: [] } }), ['NAME_NOT_PERMITTED']);
    assert.deepEqual(codesWith({ names: { permitted: [dns('example.com')], excluded: [] } }), []);
  });

  it('are trusted for as long as they say', () => {
    const from = new Date(AT.getTime() + 1000);
    const to = new Date(AT.getTime() + 2000);
    assert.deepEqual(verify(TrustAnchors.fromPem(pem, { validity: { from, to } })), ['ISSUER_NOT_YET_VALID']);
    const expired = root({ from: new Date(0), to: new Date(1000) });
    const leafBelow = leaf(expired).der;
    const anchors = TrustAnchors.fromPem(encodePem('CERTIFICATE', expired.der), {
      validity: { from: new Date(0), to },
    });
    assert.deepEqual(verifyPathSync(leafBelow, { ...options, anchors }).codes, []);
    assert.deepEqual(verifyPathSync(leafBelow, { ...options, anchors: [expired.der] }).codes, ['ISSUER_EXPIRED']);
  });
});

describe('verifyPath with WebCrypto alone, as in a browser', () => {
  for (const { name, chain, codes } of [...PROFILE_CASES, ...CRL_CASES]) {
    it(`comes to the same of ${name}`, async () => {
      const result = await runWithWebCrypto(pathTask(chain.leaf.der, pathOptions(chain)));
      assert.deepEqual(result.codes.toSorted(), codes.toSorted());
    });
  }
});

describe('revocation that is not required', () => {
  const { crls: _, ...options } = good;
  it('finds a revocation and forgives silence', () => {
    const soft = { ...options, requireRevocation: false };
    assert.equal(verifyPathSync(below.der, { ...soft, crls: [crl(anchor)] }).ok, true);
    assert.deepEqual(verifyPathSync(below.der, { ...soft, crls: [crl(issuer, { entries: [revoke(below)] })] }).codes, [
      'REVOKED',
    ]);
  });
  it('is required by asking for it, also with no CRL at hand', () => {
    assert.deepEqual(verifyPathSync(below.der, { ...options, requireRevocation: true }).codes, ['STATUS_UNKNOWN']);
  });
});
