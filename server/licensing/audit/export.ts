import { canonicalJson } from '../canonical-json.ts';
import { type AuditRow, type ChainHead, rowLine } from './chain.ts';
import { type AuditFinding, ChainVerifier } from './verifier.ts';

/** What a check of one chain found: `rows` good ones, and the first bad one if there is any. */
export type AuditReport = {
  readonly organization: string;
  readonly rows: number;
  readonly head: ChainHead | undefined;
  readonly finding: AuditFinding | undefined;
};

/**
 * An export is lines of canonical JSON: the rows of a chain in order and then its head, chain after chain. The head
 * at the end is what shows that nothing was cut off.
 */
export function headLine(head: ChainHead): string {
  return canonicalJson({ head });
}

/** Checks an exported chain, or several; needs no database. Reports each chain as it ends. */
export async function* verifyExport(
  lines: AsyncIterable<string> | Iterable<string>,
  checkpoints: readonly ChainHead[] = [],
): AsyncGenerator<AuditReport> {
  const seen = new Set<string>();
  let open: { organization: string; verifier: ChainVerifier } | undefined;
  const close = (head: ChainHead | undefined): AuditReport[] => {
    if (open === undefined) return [];
    const { organization, verifier } = open;
    open = undefined;
    return [{ organization, head, finding: verifier.end(head), rows: verifier.rows }];
  };
  let number = 0;
  for await (const line of lines) {
    number += 1;
    if (line === '') continue;
    const entry = parseLine(line, number);
    const organization = 'head' in entry ? entry.head.organization : entry.row.organization;
    if (open?.organization !== organization) {
      yield* close(undefined);
      if (seen.has(organization)) throw refusal(number, `comes back to the chain of "${organization}"`);
      seen.add(organization);
      open = { organization, verifier: new ChainVerifier(organization, { checkpoints }) };
    }
    if ('row' in entry) open.verifier.row(entry.row);
    else yield* close(entry.head);
  }
  yield* close(undefined);
  for (const organization of new Set(checkpoints.map((known) => known.organization))) {
    if (seen.has(organization)) continue;
    open = { organization, verifier: new ChainVerifier(organization, { checkpoints }) };
    yield* close(undefined);
  }
}

/** The heads in an export, or in a file that has only heads: what a later check is held against. */
export function parseCheckpoints(lines: readonly string[]): ChainHead[] {
  return lines.flatMap((line, index) => {
    if (line === '') return [];
    const entry = parseLine(line, index + 1);
    return 'head' in entry ? [entry.head] : [];
  });
}

/** One line for people. */
export function describeReport({ organization, rows, head, finding }: AuditReport): string {
  if (finding !== undefined) return `BROKEN  ${finding.message} [${finding.code}] ${rows} rows before it are good.`;
  if (head === undefined) return `EMPTY   There is no audit log of "${organization}".`;
  return `GOOD    The audit log of "${organization}": ${rows} rows up to row ${head.sequence}, hash ${head.hash}.`;
}

/** The file is no export at all, as opposed to an export of a chain that is broken. */
export class AuditExportError extends Error {
  override readonly name = 'AuditExportError';
  readonly code = 'AUDIT_EXPORT_INVALID';
}

function refusal(number: number, what: string): AuditExportError {
  return new AuditExportError(`Line ${number} of the export ${what}.`);
}

type Entry = { readonly row: AuditRow } | { readonly head: ChainHead };

function parseLine(line: string, number: number): Entry {
  let entry: Entry | undefined;
  try {
    entry = entryOf(JSON.parse(line));
  } catch (cause) {
    throw new AuditExportError(`Line ${number} of the export is not JSON.`, { cause });
  }
  if (entry === undefined) throw refusal(number, 'is neither a row nor the head of a chain');
  // Another spelling, a member too many or one given twice: other readers might see another value than we hash.
  const canonical = 'row' in entry ? rowLine(entry.row) : headLine(entry.head);
  if (line !== canonical) throw refusal(number, 'is not in canonical form');
  return entry;
}

function entryOf(value: unknown): Entry | undefined {
  if (!isRecord(value)) return undefined;
  const { details, head, ...members } = value;
  if (isHead(head)) return { head };
  return isRow(members) && isRecord(details) ? { row: { ...members, details: canonicalJson(details) } } : undefined;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isHead(value: unknown): value is ChainHead {
  return isRecord(value) && hasStrings(value, 'organization', 'hash') && Number.isSafeInteger(value['sequence']);
}

function isRow(value: Record<string, unknown>): value is Omit<AuditRow, 'details'> {
  return (
    hasStrings(value, 'organization', 'at', 'actor', 'action', 'subject', 'previous', 'hash') &&
    Number.isSafeInteger(value['sequence'])
  );
}

function hasStrings(value: Record<string, unknown>, ...names: readonly string[]): boolean {
  return names.every((name) => typeof value[name] === 'string');
}
