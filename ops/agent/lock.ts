import { accessSync, closeSync, constants, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { AgentError, diskError } from './errors.ts';
import { actAsOwnerOf } from './owner.ts';

/** Whose lock it is: `work` changes the folder, `answers` reads it and may run beside. */
const FILES = { work: 'lock', answers: 'lock-answers' } as const;
/** Of SQLite. */
const BUSY = 5;

/**
 * One agent per folder: two would renew against each other, and a renewal has one successor. Node has no file locks of its
 * own; SQLite, which it contains, has tried ones. The kernel drops them with the process, however that ends, and they hold
 * between the containers of one volume, which share a folder and neither names of sockets nor numbers of processes. The
 * database itself stays empty. Returns how to let go.
 */
export function lockFolder(folder: string, purpose: keyof typeof FILES = 'work'): () => void {
  // A lock that only root may open would keep out the user of the agent.
  const back = actAsOwnerOf(folder);
  const path = join(folder, FILES[purpose]);
  try {
    makeFile(folder, path);
    return lock(path);
  } catch (error) {
    if ((error as { errcode?: number }).errcode !== BUSY) throw diskError(folder, error);
    const message = `Another licet-agent works on ${folder}: stop it first, or ask it (licet-agent status).`;
    throw new AgentError('FOLDER_IN_USE', message, { cause: error });
  } finally {
    back();
  }
}

function lock(path: string): () => void {
  const database = new DatabaseSync(path);
  try {
    // Nothing is ever to be undone here, and a journal would be a file that a full disk has no room for.
    database.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE');
  } catch (error) {
    database.close();
    throw error;
  }
  return () => database.close();
}

/** For its owner alone: whoever may read it may lock it. SQLite would take one that cannot be written, and lock nothing. */
function makeFile(folder: string, path: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  try {
    closeSync(openSync(path, 'wx', 0o600));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    accessSync(path, constants.W_OK);
  }
}
