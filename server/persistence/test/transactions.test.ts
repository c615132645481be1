import assert from 'node:assert/strict';

import { sql } from '../database.ts';
import { protect } from '../migrations/protect.ts';
import { onBothHosts } from './test-database.ts';

onBothHosts('A transaction', (getDatabase) => {
  before(async () => {
    await getDatabase().dataSource.query(
      'create table notes (organization text not null, n bigint not null, text text)',
    );
    for (const statement of protect('notes')) await getDatabase().dataSource.query(statement);
  });

  it('keeps what it wrote when its work resolves', async () => {
    const database = getDatabase();
    await database.run({ organization: 'a' }, (tx) => sql(tx).query(`insert into notes values ('a', 1, 'kept')`));
    const rows = await database.run({ organization: 'a' }, (tx) => sql(tx).query(`select n, text from notes`));
    assert.deepEqual(rows, [{ n: '1', text: 'kept' }]);
  });

  it('keeps nothing when its work rejects', async () => {
    const database = getDatabase();
    const work = database.run('platform', async (tx) => {
      await sql(tx).query(`insert into notes values ('a', 2, 'dropped')`);
      throw new Error('on purpose');
    });
    await assert.rejects(work, /on purpose/);
    const rows = await database.run('platform', (tx) => sql(tx).query(`select from notes where n = 2`));
    assert.equal(rows.length, 0);
  });

  it('sees only the rows of its organization', async () => {
    const database = getDatabase();
    const rows = await database.run({ organization: `b' or 'a` }, (tx) => sql(tx).query('select * from notes'));
    assert.deepEqual(rows, []);
  });
});
