import assert from 'node:assert/strict';
import { stringify } from 'yaml';
import { AuthorityError } from '../../errors.ts';
import { CEREMONIES, readCeremony } from '../config/index.ts';
import { ceremonyTemplate } from '../templates.ts';

const ROOT = {
  ceremony: 'root',
  witnesses: [{ name: 'Ada', role: 'witness' }],
  output: 'root',
  algorithm: 'P-256',
  subject: { organization: 'acme', commonName: 'Acme Root' },
  publish: 'http://pki.acme.example',
  shares: { needed: 2, custodians: ['ada', 'grace'] },
};

function problemsOf(file: unknown): readonly string[] {
  try {
    readCeremony(typeof file === 'string' ? file : stringify(file), CEREMONIES);
  } catch (error) {
    assert.ok(error instanceof AuthorityError && error.code === 'CEREMONY_INVALID', String(error));
    return error.details;
  }
  return [];
}

describe('the file of a ceremony', () => {
  it('is taken when it is right', () => {
    assert.deepEqual(problemsOf(ROOT), []);
  });

  for (const kind of CEREMONIES) {
    it(`has a template that is right once the fingerprints are in it: ${kind}`, async () => {
      const template = (await ceremonyTemplate(kind)).replaceAll('AB:CD:...', 'ab'.repeat(32));
      assert.deepEqual(problemsOf(template), []);
    });
  }

  const wrong: readonly { name: string; change: object; says: RegExp }[] = [
    { name: 'an unknown key', change: { vault: 'x' }, says: /^vault: there is no such key$/ },
    {
      name: 'an unknown key further down',
      change: { shares: { ...ROOT.shares, n: 3 } },
      says: /^shares\.n: there is no such key$/,
    },
    { name: 'no witness', change: { witnesses: [] }, says: /^witnesses: / },
    {
      name: 'a witness that would be two lines of the transcript',
      change: { witnesses: [{ name: 'Ada\n0002 forged', role: 'x' }] },
      says: /^witnesses\.0\.name: must be one line/,
    },
    { name: 'an unknown algorithm', change: { algorithm: 'P-521' }, says: /^algorithm: / },
    { name: 'an https address', change: { publish: 'https://pki.acme.example' }, says: /^publish: must be an http:/ },
    {
      name: 'a slash at the end',
      change: { publish: 'http://pki.acme.example/' },
      says: /^publish: .* without a slash/,
    },
    { name: 'a day instead of a time', change: { until: '2040-01-01' }, says: /^until: must be a time such as/ },
    { name: 'a time that does not exist', change: { until: '2040-13-01T00:00:00Z' }, says: /^until: must be a time/ },
    { name: 'nothing that guards the key', change: { shares: undefined }, says: /must have either shares or pkcs11/ },
    { name: 'one share for all', change: { shares: { needed: 1, custodians: ['a', 'b'] } }, says: /^shares\.needed: / },
    { name: 'another ceremony', change: { ceremony: 'party' }, says: /^ceremony: must be root or .* and is "party"$/ },
  ];
  for (const { name, change, says } of wrong) {
    it(`is refused, with the place, for ${name}`, () => {
      const problems = problemsOf({ ...ROOT, ...change });
      assert.ok(
        problems.some((problem) => says.test(problem)),
        problems.join('; '),
      );
    });
  }

  it('names all that is wrong at once', () => {
    assert.equal(problemsOf({ ...ROOT, algorithm: 'none', output: '' }).length, 2);
  });

  it('is refused as YAML for a key that stands twice, an alias, or no YAML at all', () => {
    assert.match(problemsOf('ceremony: root\nceremony: crl')[0] ?? '', /unique/);
    assert.match(problemsOf(`x: &a root\nceremony: *a\n`)[0] ?? '', /alias/);
    assert.equal(problemsOf('{').length > 0, true);
    assert.match(problemsOf('')[0] ?? '', /^ceremony: must be .* and is missing$/);
  });
});
