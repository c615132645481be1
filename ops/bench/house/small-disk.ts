import { execFileSync } from 'node:child_process';
import { closeSync, openSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';

/** A disk of its own for one folder, so small that it can be filled. Only root may make one. */
export class SmallDisk {
  readonly folder: string;

  /** `folder` is there, and empty. */
  constructor(folder: string, megabytes: number) {
    if (process.getuid?.() !== 0) throw new Error('A small disk is a mount: run this drill as root.');
    this.folder = folder;
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${megabytes}m,mode=700`, 'licet-drill', folder]);
  }

  /** Not a byte more fits. */
  fill(): void {
    const file = openSync(this.#ballast, 'w');
    for (const size of [1 << 16, 1 << 12, 1]) {
      const bytes = Buffer.alloc(size);
      try {
        while (writeSync(file, bytes) === size);
      } catch (error) {
        if (!(error instanceof Error && 'code' in error && error.code === 'ENOSPC')) throw error;
      }
    }
    closeSync(file);
  }

  empty(): void {
    rmSync(this.#ballast, { force: true });
  }

  close(): void {
    // Whoever works in it may take a moment to end.
    execFileSync('umount', ['--lazy', this.folder]);
  }

  get #ballast(): string {
    return join(this.folder, 'ballast');
  }
}
