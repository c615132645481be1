import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent, type World } from './agent.ts';
import { createAnswers, listenOnPort, listenOnSocket } from './answer.ts';
import { AgentError } from './errors.ts';
import { Hook } from './hook.ts';
import { lockFolder } from './lock.ts';
import { look } from './look.ts';
import { loadSettings } from './settings.ts';
import { openSite } from './site.ts';

/** Works until `signal`: renews, fetches evidence, answers products. */
export async function run(path: string, command: string | undefined, signal: AbortSignal): Promise<void> {
  const settings = await loadSettings(path);
  // Whoever reads what is told may go away; the agent is there for others.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => undefined);
  const log = (message: string) => void process.stdout.write(`${new Date().toISOString()} ${message}\n`);
  // A site without a network takes its licenses by hand, while this goes on answering.
  const isByHand = settings.servers.length === 0;
  const claim = claimOf(path, isByHand ? 'answers' : 'work');
  const canWrite = claim.tryNow(log) && !isByHand;
  const site = await openSite(path, settings, {
    isReader: !canWrite,
    signal,
    onAway: ({ message }) => log(asInFolder(message)),
  });
  const world: World = {
    now: () => new Date(),
    chance: Math.random,
    log,
    async claimFolder() {
      if (claim.isHeld || isByHand) return;
      claim.now();
      await site.folder.prepare();
    },
  };
  const answers = () =>
    createAnswers({
      current: () => site.store.current(),
      evidence: () => site.folder.evidence(),
      verdict: () => look(site, settings, world.now()),
      sign: async ({ key }, message) => (await site.keys.open(key)).sign(message),
    });
  const { socket = socketOfUnit(), port } = settings;
  const servers = [answers(), answers()] as const;
  const agent = new Agent(site, settings, world);
  const hook = command === undefined ? undefined : await Hook.open(site.folder, command, log);
  try {
    if (socket !== undefined) await listenOnSocket(servers[0], socket);
    if (port !== undefined) await listenOnPort(servers[1], port);
    while (!signal.aborted) {
      const sleep = await agent.tick();
      await hook?.runIfNew(log);
      await pause(sleep, undefined, { signal }).catch(ignoreAbort);
    }
  } finally {
    for (const server of servers) {
      server.close();
      // A product that does not come to an end with its question would keep this process.
      server.closeAllConnections();
    }
    await site.close();
    claim.release();
  }
}

/**
 * The lock of the folder. Where nothing can be written there is nothing to lock, and a license that products want to know
 * of all the same: so it may be taken later, before something is changed.
 */
function claimOf(path: string, purpose: 'work' | 'answers') {
  let release: (() => void) | undefined;
  const now = (): void => void (release ??= lockFolder(path, purpose));
  return {
    get isHeld() {
      return release !== undefined;
    },
    now,
    /** False, and said: nothing can be written at the moment. */
    tryNow(log: (message: string) => void): boolean {
      try {
        now();
        return true;
      } catch (error) {
        if (!(error instanceof AgentError) || error.code === 'FOLDER_IN_USE') throw error;
        log(error.message);
        return false;
      }
    },
    release: () => release?.(),
  };
}

export const asInFolder = (why: string): string => `the license is the one in the folder, for now: ${why}`;

/** systemd makes a folder for what runs, and says which: there the verifier looks for an agent. */
function socketOfUnit(): string | undefined {
  const folder = process.env['RUNTIME_DIRECTORY'];
  return folder === undefined ? undefined : join(folder, 'agent.sock');
}

function ignoreAbort(error: unknown): void {
  if ((error as Error).name !== 'AbortError') throw error;
}
