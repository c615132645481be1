import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { connect } from 'node:net';
import { join } from 'node:path';
import { licensed, siteFolders } from './living-site.ts';

describe('The program licet-agent', function () {
  this.timeout(20_000);
  const newFolder = siteFolders();

  it('ends without a word when nobody reads on', async () => {
    const agent = spawn(process.execPath, [join(import.meta.dirname, '../licet-agent.js'), 'help'], { stdio: 'pipe' });
    agent.stdout.destroy();
    let said = '';
    agent.stderr.on('data', (text) => (said += String(text)));
    assert.deepEqual([...(await once(agent, 'close')), said], [141, null, '']);
  });

  it('stops when it is told to, also while a product asks and does not come to an end', async () => {
    const folder = newFolder();
    const socket = join(folder, 'agent.sock');
    await (await licensed(folder, { servers: [], socket })).close();
    const program = [join(import.meta.dirname, '../licet-agent.js'), 'run', '--folder', folder];
    const agent = spawn(process.execPath, program, { stdio: ['ignore', 'pipe', 'inherit'] });
    await once(agent.stdout, 'data');
    const product = connect(socket).on('error', () => product.destroy());
    await once(product, 'connect');
    product.write('GET /v1/license HTTP/1.1\r\nHost: ');
    agent.kill('SIGTERM');
    const late = setTimeout(() => agent.kill('SIGKILL'), 10_000);
    assert.deepEqual(await once(agent, 'close'), [0, null]);
    clearTimeout(late);
    product.destroy();
  });
});
