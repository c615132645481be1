import assert from 'node:assert/strict';
import { createHmac, generateKeyPairSync, sign as signWith } from 'node:crypto';
import { Webhook as Published } from 'standardwebhooks';
import { verifyWebhook, WEBHOOK_REFUSALS, type WebhookRefusal, WebhookRefused } from '../index.ts';

const AT = new Date('2026-11-21T12:00:00Z');
const NOW = AT.getTime() / 1000;
const SECRET = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
const OTHER = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
const ID = '0d9c1a0e-7f8b-4a54-9f3d-2b8f5e6a7c22';
const EVENT = {
  type: 'site.suspended',
  timestamp: AT.toISOString(),
  organization: 'acme',
  data: { subject: 'site:1' },
};
const BODY = JSON.stringify(EVENT);

const sign = (body: string | Buffer = BODY, id = ID, time: number | string = NOW, secret = SECRET): string =>
  createHmac('sha256', Buffer.from(secret.slice(6), 'base64'))
    .update(`${id}.${time}.`)
    .update(body)
    .digest('base64');

type Parts = {
  id?: string | string[] | undefined;
  time?: number | string | undefined;
  signature?: string | undefined;
  body?: string | Buffer;
  secrets?: readonly string[];
};

function request({ id = ID, time = NOW, signature = `v1,${sign()}`, body = BODY, ...rest }: Parts) {
  const headers = { 'webhook-id': id, 'webhook-timestamp': String(time), 'webhook-signature': signature };
  return { headers: { ...headers, ...rest }, body: typeof body === 'string' ? body : Uint8Array.from(body) };
}

const check = (parts: Parts) => {
  const { secrets = [SECRET], ...rest } = parts;
  return verifyWebhook(request(rest), { secrets, at: AT });
};

const SIGNED = sign();
/** The same with its last bits changed: base64 that another decoder takes for the same bytes. */
const LAX = SIGNED.replace(/(.)=$/, (_, last: string) => `${String.fromCharCode(last.charCodeAt(0) + 1)}=`);
const LARGE = JSON.stringify({ ...EVENT, data: { x: 'x'.repeat(1024 * 1024) } });

const BAD: readonly (readonly [string, Parts, WebhookRefusal])[] = [
  ['a body with another letter', { body: BODY.replace('acme', 'acmf') }, 'SIGNATURE_WRONG'],
  ['a body with more white space', { body: ` ${BODY}` }, 'SIGNATURE_WRONG'],
  ['a body with an end of line', { body: `${BODY}\n` }, 'SIGNATURE_WRONG'],
  ['no body', { body: '' }, 'SIGNATURE_WRONG'],
  ['the id of another message', { id: ID.replace('0', '1') }, 'SIGNATURE_WRONG'],
  ['another time than was signed', { time: NOW - 1 }, 'SIGNATURE_WRONG'],
  ['the secret of somebody else', { signature: `v1,${sign(BODY, ID, NOW, OTHER)}` }, 'SIGNATURE_WRONG'],
  ['a secret that was rotated away', { secrets: [OTHER] }, 'SIGNATURE_WRONG'],
  ['half a signature', { signature: `v1,${SIGNED.slice(0, 22)}==` }, 'SIGNATURE_WRONG'],
  ['no signature after the scheme', { signature: 'v1,' }, 'SIGNATURE_WRONG'],
  ['a signature that is no base64', { signature: `v1,${SIGNED.replace('=', '!')}` }, 'SIGNATURE_WRONG'],
  ['a signature in base64 that is not the only one', { signature: `v1,${LAX}` }, 'SIGNATURE_WRONG'],
  [
    'a signature in hexadecimal',
    { signature: `v1,${Buffer.from(SIGNED, 'base64').toString('hex')}` },
    'SIGNATURE_WRONG',
  ],
  [
    'the good signature behind too many others',
    { signature: `${'v1,AAAA '.repeat(8)}v1,${SIGNED}` },
    'SIGNATURE_WRONG',
  ],
  ['a signature without a scheme', { signature: SIGNED }, 'SIGNATURE_UNKNOWN'],
  ['a signature of a scheme that comes later', { signature: `v2,${SIGNED}` }, 'SIGNATURE_UNKNOWN'],
  ['a signature of the scheme with keys', { signature: `v1a,${SIGNED}` }, 'SIGNATURE_UNKNOWN'],
  ['the scheme in capitals', { signature: `V1,${SIGNED}` }, 'SIGNATURE_UNKNOWN'],
  ['a signature that names no algorithm', { signature: `none,${SIGNED}` }, 'SIGNATURE_UNKNOWN'],
  ['one sent just too long ago', { time: NOW - 301, signature: `v1,${sign(BODY, ID, NOW - 301)}` }, 'TIMESTAMP_OLD'],
  ['one from the future', { time: NOW + 301, signature: `v1,${sign(BODY, ID, NOW + 301)}` }, 'TIMESTAMP_NEW'],
  ['a time in milliseconds', { time: NOW * 1000 }, 'TIMESTAMP_INVALID'],
  ['a time with a fraction', { time: `${NOW}.5`, signature: `v1,${sign(BODY, ID, `${NOW}.5`)}` }, 'TIMESTAMP_INVALID'],
  ['a time that is a word', { time: 'now' }, 'TIMESTAMP_INVALID'],
  ['a time with a sign', { time: `+${NOW}` }, 'TIMESTAMP_INVALID'],
  ['a time in exponents', { time: '1e9' }, 'TIMESTAMP_INVALID'],
  ['no id', { id: '' }, 'HEADER_MISSING'],
  ['two ids', { id: [ID, ID] }, 'HEADER_MISSING'],
  ['no time', { time: '' }, 'HEADER_MISSING'],
  ['no signature', { signature: '' }, 'HEADER_MISSING'],
  // Id and time are signed with dots between: these would be the same bytes, cut otherwise.
  ['a dot in the id', { id: `${ID}.1`, signature: `v1,${sign(BODY, `${ID}.1`)}` }, 'ID_INVALID'],
  ['an id with a space', { id: 'a b', signature: `v1,${sign(BODY, 'a b')}` }, 'ID_INVALID'],
  ['more than any event has', { body: LARGE, signature: `v1,${sign(LARGE)}` }, 'BODY_TOO_LARGE'],
  ['what is no JSON', { body: '{', signature: `v1,${sign('{')}` }, 'BODY_INVALID'],
  ['what is no object', { body: 'null', signature: `v1,${sign('null')}` }, 'BODY_INVALID'],
  ['an event without a type', { body: '{"data":{}}', signature: `v1,${sign('{"data":{}}')}` }, 'BODY_INVALID'],
  [
    'bytes that are no UTF-8',
    { body: Buffer.from([0xff]), signature: `v1,${sign(Buffer.from([0xff]))}` },
    'BODY_INVALID',
  ],
];

const refusedWith = (code: WebhookRefusal) => (error: unknown) => {
  assert.ok(error instanceof WebhookRefused, String(error));
  assert.equal(error.code, code);
  return true;
};

describe('A webhook, by the scheme of Standard Webhooks', () => {
  for (const [what, parts, code] of BAD) {
    it(`is refused with ${what}: ${code}`, async () => {
      await assert.rejects(check(parts), refusedWith(code));
    });
  }

  it('has a case for every refusal', () => {
    assert.ok(Buffer.from(LAX, 'base64').equals(Buffer.from(SIGNED, 'base64')) && LAX !== SIGNED);
    assert.deepEqual(new Set(BAD.map(([, , code]) => code)), new Set(WEBHOOK_REFUSALS));
  });

  it('is taken when it is good, and says what it holds', async () => {
    const expected = { id: ID, type: EVENT.type, at: AT, organization: 'acme', data: EVENT.data };
    assert.deepEqual(await check({}), expected);
    const { headers, body } = request({});
    const bytes = new TextEncoder().encode(body as string);
    const asked = {
      headers: new Headers(Object.entries(headers).map(([name, value]) => [name, String(value)] as [string, string])),
      body: bytes,
    };
    assert.deepEqual(await verifyWebhook(asked, { secrets: [SECRET], at: AT }), expected);
  });

  it('is taken at both edges of the time that it may have', async () => {
    for (const time of [NOW - 300, NOW + 300]) await check({ time, signature: `v1,${sign(BODY, ID, time)}` });
  });

  it('is taken by either secret while one takes the place of the other, in any order', async () => {
    const both = [sign(BODY, ID, NOW, OTHER), SIGNED].map((one) => `v1,${one}`);
    for (const signature of [both.join(' '), both.toReversed().join(' '), `v1a,x ${both[1]!}`]) {
      assert.equal((await check({ signature })).id, ID);
    }
    assert.equal((await check({ secrets: [OTHER, SECRET] })).id, ID);
  });

  describe('with a public key, scheme v1a', () => {
    const { privateKey, publicKey } = generateKeyPairSync('ed25519');
    const raw = Buffer.from(publicKey.export({ format: 'jwk' }).x!, 'base64url').toString('base64');
    const publicKeys = [`whpk_${raw}`];
    const signed = (body = BODY) =>
      `v1a,${signWith(null, Buffer.from(`${ID}.${NOW}.${body}`), privateKey).toString('base64')}`;
    const ask = (parts: Parts, more: object = {}) => verifyWebhook(request(parts), { publicKeys, at: AT, ...more });

    it('is taken, beside signatures of the other scheme or without', async () => {
      for (const signature of [signed(), `v1,${SIGNED} ${signed()}`, `v1,AAAA ${signed()}`]) {
        assert.equal((await ask({ signature })).id, ID);
      }
      assert.equal((await ask({ signature: `v1,${SIGNED}` }, { secrets: [SECRET] })).id, ID);
    });

    it('is refused when it is signed by another, or by the other scheme, or not', async () => {
      await assert.rejects(ask({ signature: signed(`${BODY} `) }), refusedWith('SIGNATURE_WRONG'));
      await assert.rejects(ask({ signature: signed().replace('v1a', 'v1') }), refusedWith('SIGNATURE_UNKNOWN'));
      await assert.rejects(ask({ signature: `v1,${SIGNED}` }), refusedWith('SIGNATURE_UNKNOWN'));
      await assert.rejects(ask({ signature: `v1a,${SIGNED}` }), refusedWith('SIGNATURE_WRONG'));
      // Whoever knows the public key must not be able to sign with it as if it were a secret.
      const confused = `v1,${sign(BODY, ID, NOW, `whsec_${raw}`)}`;
      await assert.rejects(ask({ signature: confused }), refusedWith('SIGNATURE_UNKNOWN'));
    });

    it('is not looked at with a key that is none', async () => {
      for (const key of ['', raw, SECRET, `whpk_${Buffer.alloc(31).toString('base64')}`]) {
        await assert.rejects(ask({ signature: signed() }, { publicKeys: [key] }), TypeError);
      }
    });
  });

  it('is not looked at with a secret that is none', async () => {
    for (const secret of [
      '',
      'whsec_',
      SECRET.slice(6),
      `whsec_${Buffer.alloc(23).toString('base64')}`,
      'whsec_%%%%',
    ]) {
      await assert.rejects(check({ secrets: [secret] }), TypeError);
    }
  });

  it('is refused, as by the published library, whichever bit of it is turned', async () => {
    const now = Math.floor(Date.now() / 1000);
    const [published, check] = [new Published(SECRET), { secrets: [SECRET], at: new Date(now * 1000) }];
    const verdicts = async (text: string) => {
      const [id = '', time = '', signature = '', ...rest] = text.split('\n');
      const headers = { 'webhook-id': id, 'webhook-timestamp': time, 'webhook-signature': signature };
      const body = rest.join('\n');
      const ours = await verifyWebhook({ headers, body }, check).then(
        () => true,
        () => false,
      );
      try {
        published.verify(body, headers);
        return [ours, true];
      } catch {
        return [ours, false];
      }
    };
    const good = `${ID}\n${now}\nv1,${sign(BODY, ID, now)}\n${BODY}`;
    assert.deepEqual(await verdicts(good), [true, true]);
    for (let bit = 0; bit < good.length * 7; bit++) {
      const bytes = Buffer.from(good);
      bytes[Math.floor(bit / 7)]! ^= 1 << (bit % 7);
      assert.deepEqual(await verdicts(bytes.toString('latin1')), [false, false], `bit ${bit}`);
    }
  });
});
