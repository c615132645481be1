import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { verifyPath, verifyPathSync } from '../index.ts';
import { ALGORITHM, AT, ca, crl, keyPair, leaf, root } from './certificate-kit.ts';

describe('a path of ML-DSA-65, RFC 9881', () => {
  const key = () => keyPair(() => generateKeyPairSync('ml-dsa-65'));
  const algorithm = ALGORITHM.mlDsa65;
  const anchor = root({ key: key(), algorithm });
  const issuer = ca(anchor, { key: key(), algorithm });
  const below = leaf(issuer, { key: key(), algorithm });
  const crls = [crl(anchor, { algorithm }), crl(issuer, { algorithm })];
  const options = { anchors: [anchor.der], intermediates: [issuer.der], crls, at: AT, purpose: 'serverAuth' };

  it('holds, with its CRLs', async () => {
    assert.deepEqual((await verifyPath(below.der, options)).codes, []);
  });

  it('does not hold with a signature by another key', () => {
    const forged = leaf(issuer, { key: below.key, algorithm, signer: key() });
    assert.deepEqual(verifyPathSync(forged.der, options).codes, ['SIGNATURE_INVALID']);
  });

  it('does not hold with a changed bit', () => {
    for (let bit = 0; bit < below.der.length * 8; bit += 997) {
      const mutant = below.der.slice();
      mutant[bit >> 3]! ^= 1 << (bit & 7);
      assert.equal(verifyPathSync(mutant, options).ok, false, `bit ${bit}`);
    }
  });
});
