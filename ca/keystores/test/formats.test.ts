import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, verify } from 'node:crypto';
import { derToRaw, parseCredentials, rawToDer, signAwsRequest } from '@licet/keystores';

describe('ECDSA signatures in both forms', function () {
  this.timeout(10_000);

  it('turn into each other, for any value of r and s', () => {
    for (const [namedCurve, size, digest] of [
      ['P-256', 32, 'sha256'],
      ['P-384', 48, 'sha384'],
    ] as const) {
      const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve });
      // Of so many, some start with a zero byte and some with a set bit.
      for (let i = 0; i < 256; i += 1) {
        const message = Buffer.from(`${i}`);
        const raw = sign(digest, message, { key: privateKey, dsaEncoding: 'ieee-p1363' });
        const der = rawToDer(raw);
        assert.ok(verify(digest, message, publicKey, der));
        assert.deepEqual(Buffer.from(derToRaw(der, size)), raw);
      }
    }
  });

  it('of the smallest values are as DER wants them', () => {
    const raw = new Uint8Array(64);
    raw[31] = 1;
    raw[63] = 0x80;
    assert.deepEqual(rawToDer(raw), Uint8Array.of(0x30, 0x07, 0x02, 0x01, 0x01, 0x02, 0x02, 0x00, 0x80));
    assert.throws(() => derToRaw(rawToDer(new Uint8Array(96).fill(1)), 32), RangeError);
  });
});

describe('AWS Signature Version 4', () => {
  it('is the one of the published example "post-vanilla"', () => {
    const headers = signAwsRequest(
      { host: 'example.amazonaws.com', path: '/', headers: {}, body: '' },
      {
        accessKeyId: 'AKIDEXAMPLE',
        secretAccessKey: 'wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY',
        sessionToken: undefined,
      },
      { region: 'us-east-1', service: 'service', at: new Date('2015-08-30T12:36:00Z') },
    );
    assert.equal(headers['x-amz-date'], '20150830T123600Z');
    assert.equal(
      headers['authorization'],
      'AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, ' +
        'SignedHeaders=host;x-amz-date, ' +
        'Signature=5da7c1a2acd57cee7505fc6676e4e544621c30862966e37dddb68e92efbe5d6b',
    );
  });

  it('takes its credentials from the profile that is named', () => {
    const text =
      '[default]\naws_access_key_id=a\n\n[prod]\r\naws_access_key_id = b\r\naws_secret_access_key = c=d\r\naws_session_token=e\n';
    assert.deepEqual(parseCredentials(text, 'prod'), { accessKeyId: 'b', secretAccessKey: 'c=d', sessionToken: 'e' });
    assert.throws(() => parseCredentials(text, 'default'), RangeError);
    assert.throws(() => parseCredentials(text, 'none'), RangeError);
  });
});
