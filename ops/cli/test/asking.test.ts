import assert from 'node:assert/strict';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PassThrough } from 'node:stream';
import { ceremonyTemplate } from '@licet/authority/ceremony';
import { createProgram } from '../program.ts';

describe('who is asked by a ceremony and goes', () => {
  const folder = mkdtempSync(join(tmpdir(), 'licet-asking-'));
  after(() => rmSync(folder, { recursive: true }));

  for (const [name, key] of [
    ['Ctrl-C', '\x03'],
    ['Ctrl-D', '\x04'],
  ] as const) {
    it(`by ${name} leaves nothing behind`, async () => {
      const file = join(folder, 'root.yaml');
      writeFileSync(file, await ceremonyTemplate('root'));
      const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => stdin });
      const io = { out: () => {}, err: () => {}, stdin, env: {}, now: () => new Date(), exit: () => {} };
      const args = ['ceremony', 'root', file];
      stdin.write(key);
      const held = (await createProgram(io, args)).parseAsync(args, { from: 'user' });
      await assert.rejects(held, { code: 'CEREMONY_INVALID', message: /^Nothing was made\. / });
      assert.deepEqual(readdirSync(folder), ['root.yaml']);
    });
  }
});
