import { createHash } from 'node:crypto';

/**
 * The hash chain of the audit log, as data: no database, no clock, so that anybody can check an exported chain.
 * The hash of a row is SHA-256 over its canonical JSON (RFC 8785) without the member `hash`. For a line of an export:
 * `jq -cjS 'del(.hash)' | sha256sum`.
 */
export type AuditRow = {
  readonly organization: string;
  /** 1, 2, 3 … without gaps in each chain. */
  readonly sequence: number;
  /** RFC 3339, UTC, milliseconds: as text, because a forged instant need not be one that a Date can hold. */
  readonly at: string;
  readonly actor: string;
  readonly action: string;
  readonly subject: string;
  /** Canonical JSON, exactly as stored: another spelling of the same value is an edit too. */
  readonly details: string;
  /** Hexadecimal hash of the row before; zeros for the first. */
  readonly previous: string;
  readonly hash: string;
};

/** Where a chain ends. Also the form of a checkpoint: the head of some earlier moment. */
export type ChainHead = { readonly organization: string; readonly sequence: number; readonly hash: string };

/** The `previous` of the first row. The organization is in every row's hash, so chains cannot be exchanged. */
export const GENESIS = '0'.repeat(64);

/** The text under the hash. */
export function hashedText(row: Omit<AuditRow, 'hash'>): string {
  return rowText(row, '');
}

/** The row as one line of canonical JSON. */
export function rowLine(row: AuditRow): string {
  return rowText(row, `"hash":"${row.hash}",`);
}

/** Written out by hand because `details` must go in as it is stored, not as it parses. */
function rowText(row: Omit<AuditRow, 'hash'>, hash: string): string {
  return (
    `{"action":${JSON.stringify(row.action)},"actor":${JSON.stringify(row.actor)},"at":${JSON.stringify(row.at)},` +
    `"details":${row.details},${hash}"organization":${JSON.stringify(row.organization)},"previous":"${row.previous}",` +
    `"sequence":${row.sequence},"subject":${JSON.stringify(row.subject)}}`
  );
}

export function hashRow(row: Omit<AuditRow, 'hash'>): string {
  return createHash('sha256').update(hashedText(row), 'utf8').digest('hex');
}

export type NewRow = Omit<AuditRow, 'sequence' | 'previous' | 'hash'>;

/** The rows that continue a chain, in order. */
export function extendChain(head: ChainHead, rows: readonly NewRow[]): AuditRow[] {
  let { sequence, hash } = head;
  return rows.map((row) => {
    const numbered = { ...row, organization: head.organization, sequence: sequence + 1, previous: hash };
    ({ sequence, hash } = { sequence: numbered.sequence, hash: hashRow(numbered) });
    return { ...numbered, hash };
  });
}

export function emptyChain(organization: string): ChainHead {
  return { organization, sequence: 0, hash: GENESIS };
}
