import assert from 'node:assert/strict';
import { parseKit, readKit } from '../kit.ts';
import { checkSettings } from '../settings.ts';

const hasCode = (code: string, word: string) => (error: unknown) => {
  const { code: found, message } = error as { code: string; message: string };
  assert.equal(found, code);
  assert.ok(message.includes(word), message);
  return true;
};

const FINGERPRINT = 'AB:'.repeat(31) + 'AB';
const KIT = {
  version: 1,
  servers: ['https://one.test', 'https://two.test:8443/licet'],
  label: 'globex',
  rootFingerprint: FINGERPRINT,
  token: 't0ken',
};

describe('The settings of an agent', () => {
  it('are taken when they are right', () => {
    const settings = { servers: ['https://one.test'], label: 'globex', socket: '/run/licet/agent.sock', port: 4711 };
    assert.deepEqual(checkSettings(settings, 'agent.json'), settings);
  });

  const WRONG: readonly { name: string; settings: unknown; word: string }[] = [
    { name: 'a list', settings: [], word: 'no object' },
    { name: 'an unknown name', settings: { servers: ['https://a.test'], sever: 1 }, word: '"sever" is no setting' },
    { name: 'no server', settings: {}, word: '"servers" is missing' },
    { name: 'a list of servers that is none', settings: { servers: 'https://a.test' }, word: '"servers"' },
    { name: 'a server without TLS', settings: { servers: ['http://a.test'] }, word: 'https://' },
    {
      name: 'a server with a password in its address',
      settings: { servers: ['https://u:p@a.test'] },
      word: '"servers"',
    },
    { name: 'a label that is no label', settings: { servers: ['https://a.test'], label: '../x' }, word: '"label"' },
    { name: 'a port that is none', settings: { servers: ['https://a.test'], port: 70_000 }, word: '"port"' },
  ];
  for (const { name, settings, word } of WRONG) {
    it(`are refused with ${name}`, () =>
      assert.throws(() => checkSettings(settings, 'agent.json'), hasCode('SETTINGS_INVALID', word)));
  }
});

describe('The enrolment kit', () => {
  it('holds settings, fingerprint and token', () => {
    const kit = parseKit(JSON.stringify(KIT), 'kit.json');
    assert.equal(kit.rootFingerprint, 'ab'.repeat(32));
    assert.equal(kit.token, 't0ken');
    assert.deepEqual(kit.settings, { servers: KIT.servers, label: 'globex' });
  });

  const WRONG = [
    { name: 'another version', kit: { ...KIT, version: 2 }, word: 'version' },
    { name: 'no token', kit: { ...KIT, token: '' }, word: 'token' },
    { name: 'half a fingerprint', kit: { ...KIT, rootFingerprint: 'abcd' }, word: 'fingerprint' },
  ];
  for (const { name, kit, word } of WRONG) {
    it(`is refused with ${name}`, () =>
      assert.throws(() => parseKit(JSON.stringify(kit), 'kit.json'), hasCode('KIT_INVALID', word)));
  }
  it('is refused when it is no JSON', () =>
    assert.throws(() => parseKit('{', 'kit.json'), hasCode('KIT_INVALID', 'kit.json')));
  it('is refused without a server, which only a site without a network can do without', () =>
    assert.throws(
      () => parseKit(JSON.stringify({ ...KIT, servers: [] }), 'kit.json'),
      hasCode('KIT_INVALID', 'server'),
    ));

  it('is the same in one word, for a command line', async () => {
    const word = `licet-kit.${Buffer.from(JSON.stringify(KIT)).toString('base64url')}`;
    assert.deepEqual(await readKit(word), parseKit(JSON.stringify(KIT), 'kit.json'));
    assert.throws(() => parseKit(word.slice(0, -9), 'The kit'), hasCode('KIT_INVALID', 'cut off'));
  });
});
