import assert from 'node:assert/strict';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { CODES, type EvidenceResult, type PathResult, type Verdict } from '@licet/verify';
import { bundle, enterprise, makeCrl, NOW, organization, root, site } from './license-kit.ts';
import { ocspAnswer } from './ocsp-kit.ts';

const README = readFileSync(join(import.meta.dirname, '../README.md'), 'utf8');
const EXAMPLES = [...README.matchAll(/^```ts\n(.*?)^```$/gms)].map((match) => match[1]!);

/** What the examples read, as they call it. */
const FILES: Readonly<Record<string, string | Uint8Array>> = {
  'vendor-root.pem': bundle(root),
  'site.lic': bundle(site, enterprise, organization),
  'site.key': site.key.export({ type: 'pkcs8', format: 'pem' }),
  'leaf.der': site.certificate,
  'enterprise.der': enterprise.certificate,
  'organization.der': organization.certificate,
  'root.der': root.certificate,
  'root.crl': makeCrl(root),
  'organization.crl': makeCrl(organization),
  'enterprise.crl': makeCrl(enterprise),
  'answer.ocsp': ocspAnswer({ kind: 'good' }),
};

/** What each example makes, by its place in the text. */
const SHOULD: readonly ((made: Record<string, unknown>) => void)[] = [
  ({ verdict }) => assert.deepEqual([(verdict as Verdict).state, (verdict as Verdict).usable], ['valid', true]),
  ({ verdict }) => assert.equal((verdict as Verdict).state, 'valid'),
  ({ verdict, possession, usable }) => {
    assert.deepEqual([(verdict as Verdict).state, possession, usable], ['valid', undefined, false]);
  },
  ({ result }) => assert.deepEqual([(result as PathResult).codes, (result as PathResult).path.length], [[], 4]),
  ({ byList, byAnswer, highestNumber }) => {
    assert.deepEqual([(byList as EvidenceResult).status, (byAnswer as EvidenceResult).status], ['good', 'good']);
    assert.equal(typeof highestNumber, 'bigint');
  },
  ({ verdict }) => assert.equal((verdict as Verdict).usable, true),
];

describe('the README', () => {
  it('names each code', () => {
    const missing = Object.keys(CODES).filter((code) => !README.includes(`\`${code}\``));
    assert.deepEqual(missing, []);
  });
});

describe('the examples of the README', () => {
  let folder: string;

  before(() => {
    folder = mkdtempSync(join(tmpdir(), 'licet-readme-'));
    for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content);
    mkdirSync(join(folder, '.github/licenses'), { recursive: true });
    writeFileSync(join(folder, '.github/licenses/acme.lic'), FILES['site.lic']!);
  });
  after(() => rmSync(folder, { recursive: true }));

  /** As it stands, but for where its files lie and the time of the day. */
  async function run(example: string, name: string): Promise<Record<string, unknown>> {
    const names = [...example.matchAll(/^const (?:\{ ([^}]*) \}|(\w+)) =/gm)].flatMap((match) => match[1] ?? match[2]!);
    const text = example
      .replaceAll(/'(@licet\/[^']+)'/g, (_, found: string) => JSON.stringify(import.meta.resolve(found)))
      .replaceAll(/'([\w-]+\.(?:pem|lic|key|der|crl|ocsp))'/g, (_, file: string) => JSON.stringify(join(folder, file)))
      .replaceAll('/var/lib/app', folder)
      .replaceAll('new Date()', `new Date(${NOW.getTime()})`)
      .replace("organization: 'acme',", `organization: 'acme', surroundings: ${surroundings()},`);
    const file = join(folder, `${name}.mjs`);
    writeFileSync(file, `const showWatermark = () => {};\n${text}\nexport { ${names.join(', ')} };\n`);
    return (await import(pathToFileURL(file).href)) as Record<string, unknown>;
  }

  /** Nothing of the machine that the test runs on. */
  const surroundings = () =>
    `{ env: { LICET_AGENT_SOCKET: '${folder}/none' }, platform: 'linux', home: '${folder}', resolve: (...p) => ['${folder}', ...p].join('/') }`;

  it('are as many as are run here', () => assert.equal(EXAMPLES.length, SHOULD.length));

  for (const [i, should] of SHOULD.entries()) {
    it(`number ${i + 1} does what it says`, async () => should(await run(EXAMPLES[i]!, `example-${i}`)));
  }
});
