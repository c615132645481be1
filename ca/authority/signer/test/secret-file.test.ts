import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withSecretFile } from '../launch.ts';
import { hasCode } from './errors.ts';
import { withFolder } from './hierarchy.ts';

describe('The secret of a file', () => {
  const folder = withFolder();
  const file = (content: string) => {
    writeFileSync(join(folder(), 'secret'), content);
    return join(folder(), 'secret');
  };

  it('is read without the line break at its end, and wiped when the work is done, also when that failed', async () => {
    const seen: Uint8Array[] = [];
    const work = async (secret: Uint8Array) => {
      seen.push(secret);
      assert.equal(Buffer.from(secret).toString(), ' horse ');
    };
    await withSecretFile(file(' horse \r\n'), work);
    const fails = withSecretFile(file(' horse '), async (secret) => {
      await work(secret);
      throw new RangeError('it failed');
    });
    await assert.rejects(fails, RangeError);
    assert.deepEqual(
      seen.map((secret) => Buffer.from(secret).toString('hex')),
      ['00'.repeat(7), '00'.repeat(7)],
    );
  });

  it('is refused when there is none: nothing shall be sealed under it', async () => {
    await assert.rejects(
      withSecretFile(file('\n'), async () => undefined),
      hasCode('KEY_LOCKED', /is empty/),
    );
  });
});
