import assert from 'node:assert/strict';
import * as fc from 'fast-check';
import { testDatabase, type TestDatabase } from '../../persistence/test/test-database.ts';
import { csvLine, parseCsv } from '../bulk/csv.ts';
import { exportRows } from '../bulk/export.ts';
import { importLines, type LineResult } from '../bulk/import.ts';
import { activateContract } from '../contracts/contracts.ts';
import { makeCsr } from '@licet/authority/workshop';
import { createSite } from '../sites/create-site.ts';
import { createPlan } from '../plans/plans.ts';
import { hasCode, Office, OWNER, TERMS } from './office.ts';

describe('A CSV file, RFC 4180', () => {
  it('gives back what was written, whatever it is', () => {
    const cell = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(fc.array(fc.tuple(cell, cell), { minLength: 1 }), (rows) => {
        const text = ['a,b\r\n', ...rows.map((row) => csvLine(row))].join('');
        assert.deepEqual(
          parseCsv(text).map(({ row }) => [row['a'], row['b']]),
          rows,
        );
      }),
    );
  });

  it('never holds what a spreadsheet runs', () => {
    for (const value of ['=1+1', '+1', '-1', '@x', "'=1"]) assert.ok(csvLine([value]).startsWith("'"), value);
  });

  const BAD = ['a,b\r\n1\r\n', 'a,a\r\n1,2\r\n', 'a\r\n"open\r\n', 'a\r\nx"y\r\n', 'a,b\r\n"1"2,3\r\n'];
  for (const text of BAD) {
    it(`is refused when it is ${JSON.stringify(text)}`, () =>
      assert.throws(() => parseCsv(text), hasCode('CSV_INVALID')));
  }

  it('may have a mark of its encoding, other line ends, and no rows', () => {
    assert.deepEqual(parseCsv('\uFEFFa,b\n1,\n\n'), [{ line: 2, row: { a: '1', b: '' } }]);
    assert.deepEqual([parseCsv(''), parseCsv('a,b')], [[], []]);
  });
});

describe('Bulk import and export', () => {
  let database: TestDatabase;
  let office: Office;
  before(async function () {
    database = await testDatabase(this);
    office = new Office(database);
    await office.open();
    await createPlan(office.deps)(OWNER, {
      code: 'gold',
      name: 'Gold',
      terms: TERMS,
      months: 12,
      requestsPerMonth: 'unlimited',
    });
  });
  after(() => database?.close());

  it('takes the right to make what is imported, and to issue where a license is made with a site', async () => {
    const only = (...actions: string[]) => ({ ...OWNER, actions });
    const raw = { kind: 'enterprise', format: 'csv', text: 'slug,name\r\n' } as const;
    assert.throws(() => importLines(office.deps)(only('data.import'), raw), hasCode('NOT_ALLOWED'));
    assert.equal(importLines(office.deps)(only('data.import', 'enterprise.create'), raw).total, 0);
    const { contract } = await office.customer();
    const site = { contract: contract.id, name: 'bare', mode: 'development', csr: makeCsr() } as const;
    await assert.rejects(createSite(office.deps)(only('site.create'), site), hasCode('NOT_ALLOWED'));
    await createSite(office.deps)(only('site.create', 'license.issue'), site);
  });

  it('tries a site with its request without asking for its license, and its key stays free', async () => {
    const { enterprise, contract } = await office.customer();
    const base64 = Buffer.from(makeCsr()).toString('base64');
    const csr = `-----BEGIN CERTIFICATE REQUEST-----\n${base64}\n-----END CERTIFICATE REQUEST-----\n`;
    const text = JSON.stringify({
      enterprise: enterprise.slug,
      contract: contract.number,
      name: 'tried',
      mode: 'development',
      csr,
    });
    const outcomes = async (deps: typeof office.deps, dryRun: boolean) => {
      const lines: LineResult[] = [];
      const raw = { kind: 'site', format: 'jsonl', text, dryRun } as const;
      for await (const line of importLines(deps)(OWNER, raw).results()) lines.push(line);
      return lines.map((line) => (line.outcome === 'refused' ? line.code : line.outcome));
    };
    const asked: unknown[] = [];
    const issuance = Object.assign(Object.create(office.deps.issuance), {
      issue: async (order: unknown) => asked.push(order),
    }) as typeof office.deps.issuance;
    assert.deepEqual(await outcomes({ ...office.deps, issuance }, true), ['created']);
    assert.deepEqual(asked, []);
    assert.deepEqual(await outcomes(office.deps, false), ['created']);
  });

  const all = async (raw: Parameters<ReturnType<typeof importLines>>[1], progress?: (done: number) => void) => {
    const lines: LineResult[] = [];
    for await (const result of importLines(office.deps)(OWNER, raw).results()) {
      const done = lines.push(result);
      progress?.(done);
    }
    const created = lines.filter(({ outcome }) => outcome === 'created').length;
    return { created, refused: lines.length - created, lines };
  };
  const run = (
    kind: 'enterprise' | 'contract' | 'site',
    text: string,
    dryRun = false,
    format: 'csv' | 'jsonl' = 'csv',
  ) => all({ kind, format, text, dryRun });
  const exported = async (kind: 'enterprise' | 'contract' | 'site', format: 'csv' | 'jsonl') => {
    let text = '';
    for await (const part of exportRows(office.deps, OWNER, kind, format)) text += part;
    return text;
  };

  it('tries without a trace, then does it, line by line, and tells how far it is', async () => {
    const text = 'slug,name,labels.region\r\nnorth,"North, Ltd",n\r\nBAD SLUG,x,\r\nsouth,South,\r\n';
    const tried = await run('enterprise', text, true);
    assert.deepEqual([tried.created, tried.refused, tried.lines[1]?.line], [2, 1, 3]);
    assert.equal((await exported('enterprise', 'csv')).includes('north'), false);
    const steps: number[] = [];
    const done = await all({ kind: 'enterprise', format: 'csv', text, dryRun: false }, (n) => steps.push(n));
    assert.deepEqual([done.created, steps], [2, [1, 2, 3]]);
    const again = await run('enterprise', text);
    assert.deepEqual(
      again.lines.map((line) => ('code' in line ? line.code : 'ok')),
      ['ENTERPRISE_EXISTS', 'INPUT_INVALID', 'ENTERPRISE_EXISTS'],
    );
  });

  it('knows contracts and sites by the names that people use, and exports them as it takes them', async () => {
    await run('enterprise', 'slug,name\r\nwest,West\r\n');
    const contracts = await run(
      'contract',
      'enterprise,number,plan,firstDay,timeZone\r\nwest,W-1,gold,2026-01-01,UTC\r\nnobody,W-2,gold,2026-01-01,UTC\r\n',
    );
    assert.deepEqual(
      [contracts.created, 'code' in contracts.lines[1]! && contracts.lines[1].code],
      [1, 'ENTERPRISE_NOT_FOUND'],
    );
    const [first] = contracts.lines;
    await activateContract(office.deps)(OWNER, { id: first?.outcome === 'created' ? first.id : '' });
    const sites = await run(
      'site',
      'enterprise,contract,name,mode,shares.machines\r\nwest,W-1,hall-1,production,3\r\nwest,W-1,hall-2,staging,\r\n',
    );
    assert.deepEqual([sites.created, sites.refused], [1, 1]);
    assert.match(await exported('site', 'csv'), /west,W-1,hall-1,production,pending,3\r\n/);
    const site = parseCsv(await exported('site', 'csv')).find(({ row }) => row['name'] === 'hall-1');
    assert.equal(site?.row['shares.machines'], '3');
    const lines = (await exported('contract', 'jsonl')).trim().split('\n');
    const line = lines
      .map((one) => JSON.parse(one) as { number: string; plan: string })
      .find((one) => one.number === 'W-1');
    assert.equal(line?.plan, 'gold');
    const copy = await run('contract', JSON.stringify({ ...line, number: 'W-9' }), false, 'jsonl');
    assert.equal(copy.created, 1, JSON.stringify(copy.lines));
  });

  it('refuses what is no file of its kind', async () => {
    await assert.rejects(run('enterprise', '{"a":', false, 'jsonl'), hasCode('JSON_INVALID'));
    const lines = await run('enterprise', '[]\n"x"\n{"slug":"x","name":"x","colour":"red"}', false, 'jsonl');
    assert.deepEqual(
      lines.lines.map((line) => ('code' in line ? line.code : '')),
      ['INPUT_INVALID', 'INPUT_INVALID', 'INPUT_INVALID'],
    );
    await assert.rejects(run('person' as 'site', ''), hasCode('INPUT_INVALID'));
    assert.deepEqual((await run('site', '')).lines, []);
  });
});
