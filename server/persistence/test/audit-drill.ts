import { checkAudit } from '../../licensing/audit/check.ts';
import type { AuditEvent } from '../../licensing/ports/audit-log.ts';
import type { Random } from '../../licensing/ports/random.ts';
import { damage, type Damage, DAMAGES } from '../../licensing/test/audit-damage.ts';
import { auditLog } from '../audit-log.ts';
import type { Database } from '../database.ts';

const LENGTH = 12;

/** What stands in the way of whoever may write to every table: a superuser takes it away first. */
export async function dropGuards({ dataSource }: Database): Promise<void> {
  await dataSource.query('alter table audit_log disable trigger all');
  await dataSource.query('alter table audit_heads disable trigger all');
  await dataSource.query('alter table audit_log drop constraint audit_log_pkey');
  await dataSource.query('alter table audit_log drop constraint audit_log_sequence_check');
  await dataSource.query('create index audit_log_in_order on audit_log (organization, sequence)');
}

/**
 * Edits a chain of its own as a superuser would, `trials` times, each kind in turn. Returns a sentence for each edit
 * after which the check did not name the first bad row.
 */
export async function tamper(database: Database, trials: number, random: Random): Promise<string[]> {
  const problems: string[] = [];
  for (let trial = 0; trial < trials; trial += 1) {
    const kind = DAMAGES[trial % DAMAGES.length]!;
    const organization = `tampered-${trial}`;
    const [head] = await database.run('platform', (tx) => auditLog.append(tx, events(organization)));
    const { rows } = await database.run('platform', (tx) => auditLog.page(tx, organization, undefined, LENGTH));
    const { expected, ...damaged } = damage(kind, rows, head!, random);
    await store(database, organization, damaged);
    for await (const { finding } of checkAudit(database, auditLog, { ...damaged, organization })) {
      if (finding?.sequence === expected.sequence && finding.code === expected.code) continue;
      problems.push(
        `${kind}, trial ${trial}: expected row ${expected.sequence}, found ${finding?.message ?? 'nothing'}`,
      );
    }
  }
  return problems;
}

function events(organization: string): AuditEvent[] {
  return Array.from({ length: LENGTH }, (_, n) => ({
    organization,
    at: new Date(Date.UTC(2026, 0, 1, 0, 0, n)),
    actor: 'user:7f3c',
    action: 'license.issued',
    subject: `site:${n}`,
    details: { serial: `0${n}` },
  }));
}

async function store(
  { dataSource }: Database,
  organization: string,
  { rows, head }: Omit<Damage, 'expected'>,
): Promise<void> {
  await dataSource.query('delete from audit_log where organization = $1', [organization]);
  await dataSource.query('delete from audit_heads where organization = $1', [organization]);
  await dataSource.query(
    `insert into audit_log (organization, sequence, at, actor, action, subject, details, previous, hash)
     select organization, sequence, at::timestamptz, actor, action, subject, details,
            decode(previous, 'hex'), decode(hash, 'hex')
       from json_to_recordset($1::json) as r(organization text, sequence bigint, at text, actor text, action text,
            subject text, details text, previous text, hash text)`,
    [JSON.stringify(rows)],
  );
  if (head === undefined) return;
  const values = [organization, head.sequence, head.hash];
  await dataSource.query(`insert into audit_heads values ($1, $2, decode($3, 'hex'))`, values);
}
