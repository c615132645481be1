import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { chmod, rm, stat } from 'node:fs/promises';
import { type Server, Socket } from 'node:net';
import { basename, dirname, join } from 'node:path';
import { AuthorityError } from '../errors.ts';

/** Of sockaddr_un, without the final zero. */
const LONGEST_ADDRESS = 100;

/** Where a signer listens that its server started: whoever knows the folder finds it. */
export const signerSocketIn = (folder: string): string => join(folder, 'signer.sock');

/** Fails as sockets do, by an event, also where the folder is missing. */
export function connectTo(path: string): Socket {
  const socket = new Socket();
  try {
    const { address, release } = addressOf(path);
    try {
      // The name is looked up before this returns.
      socket.connect(address);
    } finally {
      release();
    }
  } catch (error) {
    socket.destroy(error as Error);
  }
  return socket;
}

/**
 * Listens where nobody else does; a socket that its owner left behind by dying is taken away. Resolves to what ends it
 * and leaves nothing behind.
 */
export async function listenAt(server: Server, path: string, mode: number): Promise<() => Promise<void>> {
  // To listen in a folder that is missing is, to Node, not permitted.
  await stat(dirname(path));
  await removeDead(path);
  const { address, release } = addressOf(path);
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(address, () => {
        server.off('error', reject);
        resolve();
      });
    });
    await chmod(path, mode);
  } catch (error) {
    release();
    throw error;
  }
  return () => new Promise((resolve) => server.close(() => resolve(release())));
}

type Address = { readonly address: string; readonly release: () => void };

/** A path that is too long is shortened by its folder, which is open until the name has been used. */
function addressOf(path: string): Address {
  if (Buffer.byteLength(path) <= LONGEST_ADDRESS || process.platform !== 'linux') {
    return { address: path, release: () => undefined };
  }
  const folder = openSync(dirname(path), 'r');
  return { address: `/proc/self/fd/${folder}/${basename(path)}`, release: () => closeSync(folder) };
}

async function removeDead(path: string): Promise<void> {
  const socket = connectTo(path);
  try {
    await once(socket, 'connect');
  } catch (error) {
    // Whatever else it is, listening will say.
    if (error instanceof Error && 'code' in error && error.code === 'ECONNREFUSED') await rm(path);
    return;
  } finally {
    socket.destroy();
  }
  throw new AuthorityError('SIGNER_UNAVAILABLE', `Another signer listens at ${path}: give each a socket of its own.`);
}
