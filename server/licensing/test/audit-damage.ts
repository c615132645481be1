import { type AuditRow, type ChainHead, emptyChain, extendChain, hashRow } from '../audit/chain.ts';
import type { AuditFault } from '../audit/verifier.ts';
import type { Random } from '../ports/random.ts';

/** A chain as somebody left it who could write to every table, and what a check must say about it. */
export type Damage = {
  readonly rows: readonly AuditRow[];
  readonly head: ChainHead | undefined;
  /** What was kept elsewhere: only needed against who rewrites the head as well. */
  readonly checkpoints: readonly ChainHead[];
  readonly expected: { readonly sequence: number; readonly code: AuditFault };
};

type Chain = { readonly rows: readonly AuditRow[]; readonly head: ChainHead; readonly pick: (below: number) => number };
type Edit = Partial<Omit<Damage, 'expected'>> & { readonly expected: readonly [sequence: number, code: AuditFault] };

const EDITS = {
  'a row changed': ({ rows, pick }) => {
    const n = pick(rows.length);
    return { rows: rows.with(n, altered(rows[n]!, pick)), expected: [n + 1, 'AUDIT_HASH'] };
  },
  'a row changed and hashed anew': ({ rows, pick }) => {
    const n = pick(rows.length - 1);
    // Row n is now sound in itself: that it is another one shows in the next, which still names the old.
    return { rows: rows.with(n, rehashed(rows[n]!)), expected: [n + 2, 'AUDIT_LINK'] };
  },
  'the last row changed and hashed anew': ({ rows }) => ({
    rows: rows.with(rows.length - 1, rehashed(rows.at(-1)!)),
    expected: [rows.length, 'AUDIT_HEAD'],
  }),
  'a row deleted': ({ rows, pick }) => {
    const n = pick(rows.length);
    return { rows: rows.toSpliced(n, 1), expected: [n + 1, 'AUDIT_MISSING'] };
  },
  'a row deleted and the gap closed': ({ rows, pick }) => {
    const n = pick(rows.length - 1);
    return { rows: renumbered(rows.toSpliced(n, 1)), expected: [n + 1, 'AUDIT_HASH'] };
  },
  'a row inserted': ({ rows, pick }) => {
    const n = pick(rows.length);
    const forged = { ...rows[n]!, subject: 'site:forged' };
    return { rows: renumbered(rows.toSpliced(n, 0, forged)), expected: [n + 1, 'AUDIT_HASH'] };
  },
  'a row inserted that fits what is before it': ({ rows, pick }) => {
    const n = pick(rows.length);
    const before = n === 0 ? emptyChain(rows[0]!.organization) : { ...rows[n - 1]! };
    const [forged] = extendChain(before, [{ ...rows[n]!, subject: 'site:forged' }]);
    return { rows: renumbered(rows.toSpliced(n, 0, forged!)), expected: [n + 2, 'AUDIT_HASH'] };
  },
  'a row there twice': ({ rows, pick }) => {
    const n = pick(rows.length);
    return { rows: rows.toSpliced(n, 0, rows[n]!), expected: [n + 1, 'AUDIT_UNEXPECTED'] };
  },
  'a row before the first': ({ rows }) => ({
    rows: [{ ...rows[0]!, sequence: 0 }, ...rows],
    expected: [0, 'AUDIT_UNEXPECTED'],
  }),
  'a row added at the end': ({ rows, head }) => ({
    rows: [...rows, ...extendChain(head, [rows[0]!])],
    expected: [rows.length + 1, 'AUDIT_UNEXPECTED'],
  }),
  'two rows swapped': ({ rows, pick }) => {
    const i = pick(rows.length - 1);
    const j = i + 1 + pick(rows.length - 1 - i);
    const swapped = rows.with(i, { ...rows[j]!, sequence: i + 1 }).with(j, { ...rows[i]!, sequence: j + 1 });
    return { rows: swapped, expected: [i + 1, 'AUDIT_HASH'] };
  },
  'a row from another chain': ({ rows, pick }) => {
    const n = pick(rows.length);
    const [foreign] = extendChain({ organization: 'elsewhere', sequence: n, hash: rows[n]!.previous }, [rows[n]!]);
    const moved = { ...foreign!, organization: rows[n]!.organization };
    return { rows: rows.with(n, moved), expected: [n + 1, 'AUDIT_HASH'] };
  },
  'the tail cut off': ({ rows, pick }) => {
    const n = pick(rows.length);
    return { rows: rows.slice(0, n), expected: [n + 1, 'AUDIT_MISSING'] };
  },
  'the beginning cut off': ({ rows, pick }) => ({
    rows: rows.slice(1 + pick(rows.length - 1)),
    expected: [1, 'AUDIT_MISSING'],
  }),
  'the head forged': ({ rows, head, pick }) => ({
    head: { ...head, hash: altered(rows[0]!, pick).hash },
    expected: [rows.length, 'AUDIT_HEAD'],
  }),
  'the head gone': ({ rows }) => ({ head: undefined, expected: [rows.length, 'AUDIT_HEAD'] }),
  'the head moved on': ({ head, rows }) => ({
    head: { ...head, sequence: head.sequence + 1 },
    expected: [rows.length + 1, 'AUDIT_MISSING'],
  }),
  'the head moved back': ({ rows, head, pick }) => {
    const n = 1 + pick(rows.length - 1);
    return { head: { ...head, sequence: n, hash: rows[n - 1]!.hash }, expected: [n + 1, 'AUDIT_UNEXPECTED'] };
  },
  'the tail rewritten': ({ rows, pick }) => ({
    rows: rewritten(rows, pick(rows.length)),
    expected: [rows.length, 'AUDIT_HEAD'],
  }),
  'the tail cut off and the head with it': ({ rows, head, pick }) => {
    const n = pick(rows.length);
    return {
      rows: rows.slice(0, n),
      head: n === 0 ? undefined : headAt(rows, n),
      checkpoints: [head],
      expected: [n + 1, 'AUDIT_MISSING'],
    };
  },
  'the tail rewritten and the head with it': ({ rows, pick }) => {
    const n = pick(rows.length);
    const known = n + pick(rows.length - n);
    const forged = rewritten(rows, n);
    return {
      rows: forged,
      head: headAt(forged, forged.length),
      checkpoints: [headAt(rows, known + 1)],
      expected: [known + 1, 'AUDIT_CHECKPOINT'],
    };
  },
} satisfies Record<string, (chain: Chain) => Edit>;

export type DamageKind = keyof typeof EDITS;
export const DAMAGES = Object.keys(EDITS) as DamageKind[];

export function damage(kind: DamageKind, rows: readonly AuditRow[], head: ChainHead, random: Random): Damage {
  const pick = (below: number): number => Buffer.from(random.bytes(4)).readUInt32BE() % below;
  const edit: Edit = EDITS[kind]({ rows, head, pick });
  const [sequence, code] = edit.expected;
  return { rows, checkpoints: [], ...edit, head: 'head' in edit ? edit.head : head, expected: { sequence, code } };
}

/** One member changed, whichever. */
function altered(row: AuditRow, pick: (below: number) => number): AuditRow {
  const flip = (hex: string): string => {
    const n = pick(hex.length);
    return hex.slice(0, n) + (Number.parseInt(hex[n]!, 16) ^ (1 << pick(4))).toString(16) + hex.slice(n + 1);
  };
  const changes: readonly Partial<AuditRow>[] = [
    { actor: `${row.actor}x` },
    { action: 'license.revoked' },
    { subject: 'site:other' },
    { at: new Date(new Date(row.at).getTime() + 1 - 2 * pick(2)).toISOString() },
    { details: '{}' },
    { details: row.details.replace(':', ': ') },
    { previous: flip(row.previous) },
    { hash: flip(row.hash) },
  ];
  return { ...row, ...changes[pick(changes.length)] };
}

function rehashed(row: AuditRow): AuditRow {
  const forged = { ...row, subject: 'site:forged' };
  return { ...forged, hash: hashRow(forged) };
}

function renumbered(rows: readonly AuditRow[]): AuditRow[] {
  return rows.map((row, index) => ({ ...row, sequence: index + 1 }));
}

function rewritten(rows: readonly AuditRow[], from: number): AuditRow[] {
  const start = from === 0 ? emptyChain(rows[0]!.organization) : headAt(rows, from);
  const forged = rows.slice(from).map((row, index) => (index === 0 ? { ...row, subject: 'site:forged' } : row));
  return [...rows.slice(0, from), ...extendChain(start, forged)];
}

function headAt(rows: readonly AuditRow[], sequence: number): ChainHead {
  const { organization, hash } = rows[sequence - 1]!;
  return { organization, sequence, hash };
}
