/**
 * Packs test cases of BetterTLS into `bettertls.json.gz`: all of path building, and of the 9,491 of name constraints
 * every twentieth (`--all` writes all of them, 30 MB, for a full run).
 *
 *     go run ./test-suites/cmd/bettertls export-tests --out tests.json     # in github.com/Netflix/bettertls
 *     node ca/verify/test/data/make-bettertls.ts tests.json [--all]
 *
 * BetterTLS is under the Apache License 2.0.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';

type Case = { id: number; certificates: string[]; hostname: string; expected: 'ACCEPT' | 'REJECT' };
type Export = { betterTlsRevision: string; trustRoot: string; suites: Record<string, { testCases: Case[] }> };

const SAMPLE = 20;

const [source, all] = process.argv.slice(2);
if (source === undefined) throw new Error('usage: node make-bettertls.ts <tests.json> [--all]');
const { betterTlsRevision, trustRoot, suites } = JSON.parse(readFileSync(source, 'utf8')) as Export;

function pick(suite: string, step: number): Case[] {
  const cases = suites[suite]!.testCases.filter((_, i) => i % step === 0);
  return cases.map(({ id, certificates, hostname, expected }) => ({ id, certificates, hostname, expected }));
}

const data = {
  revision: betterTlsRevision,
  trustRoot,
  pathbuilding: pick('pathbuilding', 1),
  nameconstraints: pick('nameconstraints', all === '--all' ? 1 : SAMPLE),
};
writeFileSync(join(import.meta.dirname, 'bettertls.json.gz'), gzipSync(JSON.stringify(data), { level: 9 }));
