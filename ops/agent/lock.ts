import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { AgentError } from './errors.ts';

/**
 * One agent per folder: two would renew against each other, and a renewal has one successor. The lock is a socket that
 * the kernel frees with the process, however that ends. On Linux its name is abstract, so nothing is left behind.
 */
export async function lockFolder(folder: string, purpose: 'work' | 'answers' = 'work'): Promise<() => Promise<void>> {
  const real = await realpath(folder);
  const server = createServer((socket) => socket.destroy());
  try {
    await listen(server, addressOf(real, purpose));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    throw new AgentError(
      'FOLDER_IN_USE',
      `Another licet-agent works on ${real}: stop it first, or ask it (licet-agent status).`,
    );
  }
  server.unref();
  return () => new Promise((resolve) => server.close(() => resolve()));
}

function addressOf(folder: string, purpose: string): string {
  if (process.platform !== 'linux') return join(folder, `.${purpose}`);
  return `\0licet-agent-${createHash('sha256').update(`${purpose}\0${folder}`).digest('hex').slice(0, 32)}`;
}

function listen(server: Server, address: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(address, () => {
      server.off('error', reject);
      resolve();
    });
  });
}
