import assert from 'node:assert/strict';
import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { decodePublicKey } from '@licet/format';
import { isRequestProof, requestMessage, requestSignature, type SignedRequest, signatureInput } from '@licet/verify';

const request: SignedRequest = {
  method: 'POST',
  path: '/api/v1/stats/aggregate',
  query: '?',
  digest: 'sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:',
  organization: 'acme',
  serial: '00a1',
  created: 1_764_457_200,
  nonce: 'AAAAAAAAAAAAAAAAAAAAAA',
};

/** As RFC 9421 §2.5 has it, letter by letter and by nothing of ours. */
const BASE = `"@method": POST
"@path": /api/v1/stats/aggregate
"@query": ?
"content-digest": sha-256=:RBNvo1WzZ4oRRq0W9+hknpT7T8If536DEMBg9hyq/4o=:
"@signature-params": ("@method" "@path" "@query" "content-digest");created=1764457200;nonce="AAAAAAAAAAAAAAAAAAAAAA";keyid="acme/00a1";tag="licet"`;

const infoOf = (key: KeyObject) => decodePublicKey(new Uint8Array(key.export({ type: 'spki', format: 'der' })));
const pair = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve });

describe('A request that the key of a license signs', () => {
  it('is signed as RFC 9421 says', () => {
    assert.equal(Buffer.from(requestMessage(request)).toString(), BASE);
    assert.equal(`licet=${BASE.slice(BASE.indexOf('("@method"'))}`, signatureInput(request));
  });

  for (const [kind, { privateKey, publicKey }, hash] of [
    ['P-256', pair('P-256'), 'sha256'],
    ['P-384', pair('P-384'), 'sha384'],
    ['P-521', pair('P-521'), 'sha512'],
    ['RSA', generateKeyPairSync('rsa', { modulusLength: 2048 }), 'sha256'],
    ['Ed25519', generateKeyPairSync('ed25519'), null],
  ] as const) {
    it(`is proven by a key of the kind ${kind}, and by no other`, () => {
      const key = infoOf(publicKey);
      // Again and again: of the numbers of a signature every other begins with a zero octet or needs one in front.
      for (let round = 0; round < 40; round++) {
        const raw = sign(hash, Buffer.from(BASE), { key: privateKey, dsaEncoding: 'ieee-p1363' });
        assert.equal(isRequestProof(key, request, new Uint8Array(raw)), true);
        const made = requestSignature(key, new Uint8Array(sign(hash, Buffer.from(BASE), privateKey)));
        assert.equal(isRequestProof(key, request, made!), true);
        assert.equal(isRequestProof(infoOf(pair('P-256').publicKey), request, made!), false);
      }
    });
  }

  it('is proven no more when any part of it is another', () => {
    const { privateKey, publicKey } = pair('P-256');
    const key = infoOf(publicKey);
    const made = requestSignature(key, new Uint8Array(sign('sha256', Buffer.from(BASE), privateKey)))!;
    for (const [name, value] of Object.entries(request)) {
      const other = { ...request, [name]: typeof value === 'number' ? value + 1 : `${value}x` };
      assert.equal(isRequestProof(key, other, made), false, name);
    }
    for (const wrong of [new Uint8Array(), made.subarray(1), new Uint8Array(64), Uint8Array.of(...made, 0)]) {
      assert.equal(isRequestProof(key, request, wrong), false);
    }
  });
});
