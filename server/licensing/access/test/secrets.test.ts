import assert from 'node:assert/strict';
import { argon2Sync, randomBytes } from 'node:crypto';
import * as fc from 'fast-check';
import { seededRandom } from '../../test/seeded-random.ts';
import { networkOf } from '../address.ts';
import { createPasswords, REAL_COST } from '../passwords.ts';
import { createSealer } from '../seal.ts';
import { hashSecret, isSecret, newSecret, recognition, sameHash, type SecretKind } from '../secrets.ts';
import { base32, matchTotp, stepAt, totpCode } from '../totp.ts';
import { hasCode } from './principals.ts';

const random = seededRandom('secrets');
const CHEAP = { memoryKib: 8, passes: 1 };

describe('Secrets that we make', () => {
  it('are known by their form, and only as what they are', () => {
    const kinds: SecretKind[] = ['api', 'session', 'refresh', 'invite'];
    for (const kind of kinds) {
      const secret = newSecret(kind, random);
      assert.match(secret, new RegExp(`^licet_${kind}_[0-9A-Za-z]{49}$`));
      for (const other of kinds) assert.equal(isSecret(other, secret), other === kind);
      for (const other of kinds.filter((other) => other !== kind)) {
        assert.equal(isSecret(other, secret.replace(kind, other)), false);
      }
    }
  });

  it('are not taken with any one character changed', () => {
    const secret = newSecret('api', random);
    for (let at = 0; at < secret.length; at++) {
      const changed = `${secret.slice(0, at)}${secret[at] === 'x' ? 'y' : 'x'}${secret.slice(at + 1)}`;
      assert.equal(isSecret('api', changed), false, changed);
    }
  });

  it('are not taken for any other text', () => {
    fc.assert(fc.property(fc.string(), (text) => !isSecret('api', text) && !isSecret('api', `licet_api_${text}`)));
    assert.equal(isSecret('api', `licet_api_${'z'.repeat(49)}`), false);
    assert.equal(isSecret('api', `${newSecret('api', random)}\n`), false);
  });

  it('also when they begin with zeros', () => {
    const zeros = { bytes: (length: number) => new Uint8Array(length) };
    assert.ok(isSecret('api', newSecret('api', zeros)));
  });

  it('show only their beginning', () =>
    assert.match(recognition(newSecret('api', random)), /^licet_api_[0-9A-Za-z]{4}$/));

  it('are compared whole, and what is no digest equals nothing', () => {
    const hash = hashSecret('a');
    assert.equal(sameHash(hash, hashSecret('a')), true);
    assert.equal(sameHash(hash, hashSecret('b')), false);
    for (const bad of ['', hash.slice(0, 62), `${hash}00`, 'zz'.repeat(32)]) assert.equal(sameHash(bad, bad), false);
  });
});

describe('Passwords', () => {
  const passwords = createPasswords(random, CHEAP);

  it('match what was hashed, in any way of writing the same letters, and nothing else', async () => {
    const encoded = await passwords.hash('Mährische Straße 12');
    assert.equal(await passwords.matches('Mährische Straße 12'.normalize('NFD'), encoded), true);
    for (const other of ['Mährische Strasse 12', '', 'Mährische Straße 12 ']) {
      assert.equal(await passwords.matches(other, encoded), false);
    }
    assert.equal(await passwords.matches('anything', undefined), false);
  });

  it('of one person stored twice are two texts', async () => {
    assert.notEqual(await passwords.hash('the same password'), await passwords.hash('the same password'));
  });

  it('are stored as argon2id with 19 MiB and two passes, in the form that every tool reads', async () => {
    const real = createPasswords(random);
    const encoded = await real.hash('the real cost, once');
    const [, settings, salt = '', tag] = /^\$argon2id\$v=19\$(.*)\$(.*)\$(.*)$/.exec(encoded) ?? [];
    assert.equal(settings, 'm=19456,t=2,p=1');
    assert.deepEqual(REAL_COST, { memoryKib: 19_456, passes: 2 });
    const nonce = Buffer.from(salt, 'base64');
    const parameters = {
      message: 'the real cost, once',
      nonce,
      parallelism: 1,
      tagLength: 32,
      memory: 19_456,
      passes: 2,
    };
    assert.equal(argon2Sync('argon2id', parameters).toString('base64').replaceAll('=', ''), tag);
    // The cost stands in the text: what was stored before a change of cost still matches.
    assert.equal(await passwords.matches('the real cost, once', encoded), true);
  });

  it('are hashed off the event loop, and not more than can be waited for', async () => {
    const many = Array.from({ length: 80 }, () => passwords.hash('many at the same time'));
    const outcomes = await Promise.allSettled(many);
    const refused = outcomes.filter((one) => one.status === 'rejected');
    assert.equal(refused.length, 16);
    assert.ok(refused.every((one) => hasCode('SIGN_IN_BUSY')(one.reason)));
    await passwords.hash('and then it goes on');
  });

  for (const [bad, why] of [
    ['', 'empty'],
    ['elevenchars', 'short'],
    ['Password1234!', 'a common word with digits after it'],
    ['123456789012', 'common'],
    ['!!!!qwertyuiop!!!!', 'a common word between signs'],
    ['abcdefghijklmno', 'a sequence'],
    ['aaaaaaaaaaaaaaaa', 'one character'],
    ['abababababababab', 'two characters'],
    ['Adalovelace-2026', 'the name'],
    ['my friend acmecorp', 'the organization'],
    ['x'.repeat(257), 'too long'],
  ] as const) {
    it(`are refused: ${why}`, () => {
      const about = ['adalovelace', 'example.org', 'acmecorp'];
      assert.throws(() => passwords.check(bad, about), hasCode('PASSWORD_WEAK'));
    });
  }

  for (const good of [
    'seven llamas sing at dawn',
    'correct horse staple battery',
    'пароль-из-многих-слов',
    '私の長い合言葉はこれです!?',
  ]) {
    it(`are accepted: ${good}`, () => passwords.check(good, ['ada', 'acmecorp', '']));
  }
});

describe('One-time codes', () => {
  const secret = Buffer.from('12345678901234567890');

  for (const [seconds, code] of [
    [59, '287082'],
    [1111111109, '081804'],
    [1111111111, '050471'],
    [1234567890, '005924'],
    [2000000000, '279037'],
    [20000000000, '353130'],
  ] as const) {
    it(`are those of RFC 6238 appendix B at ${seconds}`, () => {
      assert.equal(totpCode(secret, stepAt(new Date(seconds * 1000))), code);
    });
  }

  it('are found within one step, and only if newer than the last', () => {
    const at = new Date('2026-11-21T08:00:10Z');
    const now = stepAt(at);
    for (const step of [-2, -1, 0, 1, 2]) {
      const found = matchTotp(secret, totpCode(secret, now + step), at, 0);
      assert.equal(found, Math.abs(step) <= 1 ? now + step : undefined);
    }
    assert.equal(matchTotp(secret, totpCode(secret, now), at, now), undefined);
    assert.equal(matchTotp(secret, totpCode(secret, now), at, now - 1), now);
  });

  it('have secrets in base 32, RFC 4648 §10', () => {
    const vectors = {
      '': '',
      f: 'MY',
      fo: 'MZXQ',
      foo: 'MZXW6',
      foob: 'MZXW6YQ',
      fooba: 'MZXW6YTB',
      foobar: 'MZXW6YTBOI',
    };
    for (const [text, expected] of Object.entries(vectors)) assert.equal(base32(Buffer.from(text)), expected);
  });
});

describe('Sealed texts', () => {
  const sealer = createSealer(random.bytes(32), random);

  it('open for their owner only, and with their key only', () => {
    const sealed = sealer.seal('secret', 'owner');
    assert.equal(sealer.open(sealed, 'owner'), 'secret');
    assert.ok(!sealed.includes('secret'));
    assert.throws(() => sealer.open(sealed, 'other'));
    assert.throws(() => createSealer(random.bytes(32), random).open(sealed, 'owner'));
  });

  it('open with no byte changed, cut or added', () => {
    const sealed = sealer.seal('secret', 'owner');
    for (let at = 0; at < sealed.length; at++) {
      const other = sealed[at] === 'A' ? 'Q' : 'A';
      assert.throws(() => sealer.open(`${sealed.slice(0, at)}${other}${sealed.slice(at + 1)}`, 'owner'), `at ${at}`);
      assert.throws(() => sealer.open(sealed.slice(0, at), 'owner'));
    }
  });

  it('differ each time', () => assert.notEqual(sealer.seal('a', 'b'), sealer.seal('a', 'b')));
  it('need a key of 32 bytes', () => assert.throws(() => createSealer(randomBytes(16), random), TypeError));
});

describe('The network of an address', () => {
  for (const [address, network] of [
    ['192.0.2.1', '192.0.2.1'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
    ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
    ['2001:0DB8:0001:0002::7', '2001:db8:1:2::/64'],
    ['2001:db8::1', '2001:db8:0:0::/64'],
    ['::1', '0:0:0:0::/64'],
    ['fe80::1%eth0', 'fe80:0:0:0::/64'],
    ['203.0.113.9:50123', '203.0.113.9'],
    ['[2001:DB8:1:2::9]:443', '2001:db8:1:2::/64'],
    ['[2001:db8:1:2::9]', '2001:db8:1:2::/64'],
  ] as const) {
    it(`of ${address} is ${network}`, () => assert.equal(networkOf(address), network));
  }
});
