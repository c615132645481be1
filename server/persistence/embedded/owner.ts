import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { realpathSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';

import { StartupError } from '../errors.ts';

/** Gives the folder back. */
export type Release = () => Promise<void>;

/**
 * One process per folder, or two engines would write over each other and destroy it. The lock is a listening socket:
 * the operating system lets go of it when its owner dies in whatever way, so there is no stale lock to judge.
 */
export async function ownFolder(folder: string): Promise<Release> {
  const server = createServer((socket) => socket.destroy());
  try {
    server.listen(addressOf(realpathSync(folder)));
    await once(server, 'listening');
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error;
    const message = `The database folder ${folder} is in use by another running Licet: stop that one, or give this one a folder of its own.`;
    throw new StartupError('FOLDER_IN_USE', message, error);
  }
  server.unref();
  return async () => {
    server.close();
    await once(server, 'close');
  };
}

/**
 * Linux: an abstract socket, which leaves no file behind. Windows: a named pipe, likewise. Elsewhere a socket file; a
 * killed owner leaves that behind, so there the operator removes it, and the refusal names the folder.
 */
function addressOf(folder: string): string {
  const name = `licet-${createHash('sha256').update(folder).digest('hex').slice(0, 32)}`;
  if (process.platform === 'linux') return `\0${name}`;
  if (process.platform === 'win32') return `\\\\.\\pipe\\${name}`;
  return join(folder, 'owner.sock');
}
