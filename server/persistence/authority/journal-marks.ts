import type { JournalMarks } from '../../authority/ports/journal-marks.ts';
import { sql } from '../transactions.ts';
import { bytea, plain } from '../columns.ts';

export const journalMarks: JournalMarks = {
  async get(tx, journal) {
    const [row] = await sql(tx).query<{ sequence: string; hash: Buffer; at: Date }>(
      'select sequence, hash, at from journal_marks where journal = $1',
      [bytea(journal)],
    );
    return row && { sequence: BigInt(row.sequence), hash: plain(row.hash), at: row.at };
  },

  async advance(tx, journal, { sequence, hash, at }) {
    await sql(tx).query(
      `insert into journal_marks as old (journal, sequence, hash, at) values ($1, $2, $3, $4)
       on conflict (journal) do update set sequence = excluded.sequence, hash = excluded.hash, at = excluded.at
         where old.sequence <= excluded.sequence`,
      [bytea(journal), sequence.toString(), bytea(hash), at],
    );
  },

  async replace(tx, journal, mark) {
    await sql(tx).query('delete from journal_marks');
    await journalMarks.advance(tx, journal, mark);
  },
};
