import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';

import { requireTool } from '@licet/checks';
import * as fc from 'fast-check';

import { type AuditRow, emptyChain, extendChain, hashRow, type NewRow, rowLine } from '../audit/chain.ts';
import { AuditExportError, headLine, verifyExport } from '../audit/export.ts';
import { type AuditFinding, ChainVerifier } from '../audit/verifier.ts';
import { canonicalJson } from '../canonical-json.ts';
import { damage, DAMAGES } from './audit-damage.ts';
import { seededRandom } from './seeded-random.ts';

const NEW_ROW: fc.Arbitrary<NewRow> = fc.record({
  organization: fc.constant('acme'),
  at: fc.date({ min: new Date(0), noInvalidDate: true }).map((at) => at.toISOString()),
  actor: fc.string({ unit: 'grapheme' }),
  action: fc.string({ unit: 'grapheme' }),
  subject: fc.string({ unit: 'grapheme' }),
  details: fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 2 })).map(canonicalJson),
});

function chainOf(length: number, organization = 'acme'): AuditRow[] {
  const rows = Array.from({ length }, (_, n) => ({
    organization,
    at: new Date(Date.UTC(2026, 0, 1, 0, 0, n)).toISOString(),
    actor: 'user:7f3c',
    action: 'license.issued',
    subject: `site:${n}`,
    details: canonicalJson({ serial: n, quote: '"' }),
  }));
  return extendChain(emptyChain(organization), rows);
}

const headOf = (rows: readonly AuditRow[]) => {
  const { organization, sequence, hash } = rows.at(-1)!;
  return { organization, sequence, hash };
};

function verify(
  rows: readonly AuditRow[],
  options: ConstructorParameters<typeof ChainVerifier>[1] = {},
): AuditFinding | undefined {
  const verifier = new ChainVerifier('acme', options);
  for (const row of rows) verifier.row(row);
  return verifier.end(headOf(rows));
}

const lines = (rows: readonly AuditRow[]): string[] => [...rows.map(rowLine), headLine(headOf(rows))];
const exported = (text: readonly string[]) => Array.fromAsync(verifyExport(text));

describe('an audit chain', () => {
  it('is found good whatever is in it, from any row on, and in pieces as in one', () => {
    fc.assert(
      fc.property(fc.array(NEW_ROW, { minLength: 1, maxLength: 12 }), fc.nat(), fc.nat(), (news, cut, from) => {
        const rows = extendChain(emptyChain('acme'), news);
        const half = cut % news.length;
        const first = extendChain(emptyChain('acme'), news.slice(0, half));
        const head = first.length === 0 ? emptyChain('acme') : headOf(first);
        assert.deepEqual([...first, ...extendChain(head, news.slice(half))], rows);
        assert.equal(verify(rows, { checkpoints: rows }), undefined);
        const start = 1 + (from % news.length);
        assert.equal(verify(rows.slice(start - 1), { from: start }), undefined);
      }),
    );
  });

  it('shows any change of any member of any row', () => {
    const members = ['at', 'actor', 'action', 'subject', 'details', 'previous', 'hash'] as const;
    fc.assert(
      fc.property(
        fc.array(NEW_ROW, { minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.constantFrom(...members),
        fc.string({ minLength: 1 }),
        (news, which, member, text) => {
          const rows = extendChain(emptyChain('acme'), news);
          const n = which % rows.length;
          const finding = verify(rows.with(n, { ...rows[n]!, [member]: `${rows[n]![member]}${text}` }));
          assert.deepEqual([finding?.sequence, finding?.code], [n + 1, 'AUDIT_HASH']);
        },
      ),
    );
  });

  for (const kind of DAMAGES) {
    it(`names the first bad row, 150 times: ${kind}`, () => {
      const random = seededRandom(kind);
      for (let trial = 0; trial < 150; trial += 1) {
        const rows = chainOf(2 + (trial % 23));
        const result = damage(kind, rows, headOf(rows), random);
        const verifier = new ChainVerifier('acme', { checkpoints: result.checkpoints });
        for (const row of result.rows) verifier.row(row);
        const finding = verifier.end(result.head);
        assert.deepEqual(
          { sequence: finding?.sequence, code: finding?.code },
          result.expected,
          `trial ${trial}: ${finding?.message}`,
        );
      }
    });
  }

  it('cannot meet two checkpoints that contradict each other', () => {
    const rows = chainOf(3);
    const other = { ...headOf(rows.slice(0, 2)), hash: '0'.repeat(64) };
    const orders = [
      [rows[1]!, other],
      [other, rows[1]!],
    ];
    for (const checkpoints of orders) assert.equal(verify(rows, { checkpoints })?.code, 'AUDIT_CHECKPOINT');
  });

  it('counts the rows that are good', () => {
    const rows = chainOf(5);
    const verifier = new ChainVerifier('acme');
    for (const row of rows.with(3, { ...rows[3]!, actor: 'x' })) verifier.row(row);
    assert.equal(verifier.rows, 3);
  });
});

describe('an exported audit chain', () => {
  it('can be recomputed with jq and sha256sum', function () {
    requireTool(this, 'jq', 'sha256sum');
    const row = { ...chainOf(3)[2]!, actor: 'user:ü€' };
    const hash = hashRow(row);
    const script = `jq -cjS 'del(.hash)' | sha256sum`;
    const output = execFileSync('sh', ['-c', script], { input: rowLine({ ...row, hash }) }).toString();
    assert.equal(output.slice(0, 64), hash);
  });

  it('is good when each of its chains is', async () => {
    const reports = await exported([...lines(chainOf(3)), ...lines(chainOf(2, 'globex'))]);
    assert.deepEqual(
      reports.map(({ organization, rows, finding }) => ({ organization, rows, finding })),
      [
        { organization: 'acme', rows: 3, finding: undefined },
        { organization: 'globex', rows: 2, finding: undefined },
      ],
    );
  });

  it('is bad when its end is cut off, with the head or without', async () => {
    const all = lines(chainOf(3));
    const codes = async (text: readonly string[]) => (await exported(text)).map((report) => report.finding?.code);
    assert.deepEqual(await codes(all.slice(0, 3)), ['AUDIT_HEAD']);
    assert.deepEqual(await codes(all.toSpliced(2, 1)), ['AUDIT_MISSING']);
    assert.deepEqual(await codes([...all.slice(0, 2), ...lines(chainOf(2, 'globex'))]), ['AUDIT_HEAD', undefined]);
  });

  it('is bad when a checkpoint speaks of a chain that is not in it', async () => {
    const known = headOf(chainOf(2, 'globex'));
    const reports = await Array.fromAsync(verifyExport(lines(chainOf(3)), [known]));
    assert.deepEqual(
      reports.map((report) => report.finding?.code),
      [undefined, 'AUDIT_MISSING'],
    );
  });

  const all = lines(chainOf(2));
  for (const [what, text] of [
    ['is not JSON', ['{']],
    ['is something else', ['{"a":1}']],
    ['is a list', ['[]']],
    ['has white space', [all[0]!.replace(',', ', ')]],
    ['has a member given twice', [all[0]!.replace('{', '{"actor":"x",')]],
    ['has a member too many', [all[0]!.replace('}}', '},"z":1}').replace('{"action"', '{"aaa":1,"action"')]],
    ['lacks a member', [all[0]!.replace(/"actor":"[^"]*",/, '')]],
    ['comes back to a chain', [...all, ...lines(chainOf(1, 'globex')), ...all]],
  ] as const) {
    it(`is refused when a line ${what}`, () => assert.rejects(exported(text), AuditExportError));
  }

  it('is found bad and never breaks the reader, however its bytes are edited', () => {
    const text = lines(chainOf(6)).join('\n');
    return fc.assert(
      fc.asyncProperty(fc.nat(text.length - 1), fc.string({ minLength: 1, maxLength: 3 }), async (where, instead) => {
        fc.pre(text.slice(where, where + instead.length) !== instead);
        const edited = text.slice(0, where) + instead + text.slice(where + instead.length);
        try {
          const reports = await exported(edited.split('\n'));
          assert.ok(
            reports.some((report) => report.finding !== undefined),
            edited,
          );
        } catch (error) {
          assert.ok(error instanceof AuditExportError, String(error));
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
