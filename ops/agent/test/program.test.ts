import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

describe('The program licet-agent', function () {
  this.timeout(20_000);

  it('ends without a word when nobody reads on', async () => {
    const agent = spawn(process.execPath, [join(import.meta.dirname, '../licet-agent.js'), 'help'], { stdio: 'pipe' });
    agent.stdout.destroy();
    let said = '';
    agent.stderr.on('data', (text) => (said += String(text)));
    assert.deepEqual([...(await once(agent, 'close')), said], [141, null, '']);
  });
});
