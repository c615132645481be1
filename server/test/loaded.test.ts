import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';

const LISTING = `
  import { registerHooks } from 'node:module';
  registerHooks({ load: (url, context, next) => (console.log(url), next(url, context)) });
  await import('./serve.ts');
`;

describe('A server without a configuration file', function () {
  this.timeout(30_000);

  it('loads nothing of the table of the ceremony, nor what reads YAML', async () => {
    const args = ['--input-type=module', '--eval', LISTING];
    const most = { cwd: join(import.meta.dirname, '..'), maxBuffer: 16 * 1024 * 1024 };
    const loaded = (await promisify(execFile)(process.execPath, args, most)).stdout.split('\n');
    assert.ok(loaded.some((url) => url.endsWith('/server/wiring/authority.ts')));
    const unwanted = loaded.filter((url) =>
      /\/node_modules\/yaml\/|\/ceremony\/(?:config\/index|steps\/.+)\.ts$/.test(url),
    );
    assert.deepEqual(unwanted, []);
  });
});
