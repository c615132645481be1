import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { closeSync, constants, mkdtempSync, openSync, readSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { requireTool } from '@licet/checks';
import { logOutput } from '../log/output.ts';

describe('where the log goes', () => {
  let folder: string;
  before(function () {
    requireTool(this, 'mkfifo');
  });
  let reader: number;
  let writer: number;
  let dropped: number;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'licet-log-'));
    const fifo = join(folder, 'fifo');
    assert.equal(spawnSync('mkfifo', [fifo]).status, 0);
    reader = openSync(fifo, constants.O_RDONLY | constants.O_NONBLOCK);
    writer = openSync(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    dropped = 0;
  });
  afterEach(() => {
    closeSync(writer);
    rmSync(folder, { recursive: true });
  });

  const read = () => {
    const buffer = Buffer.alloc(1024 * 1024);
    let text = '';
    for (;;) {
      try {
        const size = readSync(reader, buffer);
        if (size === 0) return text;
        text += buffer.toString('latin1', 0, size);
      } catch {
        return text; // EAGAIN: that was all for now
      }
    }
  };
  const open = (max?: number) => logOutput(writer, () => dropped++, max);

  it('every line arrives, in order', async () => {
    const output = open();
    const lines = Array.from({ length: 1000 }, (_, i) => `line ${i}\n`);
    for (const line of lines) output.write(line);
    await output.flush(1000);
    assert.equal(read(), lines.join(''));
    closeSync(reader);
  });

  it('a reader that stops reading costs lines, not time, and gets whole lines when it is back', async () => {
    const output = open(100_000);
    const line = `${'a'.repeat(999)}\n`;
    const started = performance.now();
    for (let i = 0; i < 1000; i++) output.write(line);
    await output.flush(50);
    assert.ok(performance.now() - started < 500);
    assert.ok(dropped > 500, `${dropped}`);
    let text = '';
    for (let i = 0; i < 100 && text.length < (1000 - dropped) * 1000; i++) {
      text += read();
      await new Promise((resolve) => setTimeout(resolve, 10));
    }
    assert.equal(text, line.repeat(1000 - dropped));
    closeSync(reader);
  });

  it('a reader that is gone is no error', async () => {
    const output = open();
    closeSync(reader);
    output.write('a\n');
    await output.flush(1000);
    output.write('b\n');
    assert.equal(dropped, 1);
  });
});
