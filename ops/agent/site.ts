import { AgentError } from './errors.ts';
import { lockFolder } from './lock.ts';
import type { Settings } from './settings.ts';
import { SiteFolder, type SiteStore } from './site-folder.ts';
import { fileKeys, type SiteKeys } from './site-key.ts';

/** Why a copy is not brought up to date: the place outside says nothing now, or the folder takes nothing. */
const FOR_NOW: ReadonlySet<AgentError['code']> = new Set([
  'UNAVAILABLE',
  'KEY_UNAVAILABLE',
  'FOLDER_READ_ONLY',
  'DISK_FULL',
  'DISK_FAILED',
]);

/** What a site has: its folder, where license and requests are kept for good, and where its keys are. */
export type Site = {
  readonly folder: SiteFolder;
  readonly store: SiteStore;
  readonly keys: SiteKeys;
  /** Ends what is being asked over the network. */
  readonly signal?: AbortSignal | undefined;
  close(): Promise<void>;
};

/** `isReader`: without the lock of the folder, so nothing in it may be changed. */
export type Opening = {
  readonly isReader?: boolean;
  readonly onAway?: (error: AgentError) => void;
  readonly signal?: AbortSignal;
};

/**
 * The places that the settings name; what is needed for those outside is loaded where they are used, and only there.
 * Whoever only reads can do so from the folder alone, and hears by `onAway` that it may be behind.
 */
export async function openSite(
  path: string,
  { pkcs11, secretsManager }: Partial<Settings>,
  { isReader = false, onAway, signal }: Opening = {},
): Promise<Site> {
  const folder = new SiteFolder(path);
  if (!isReader) await folder.prepare();
  const keys = pkcs11 === undefined ? fileKeys : (await import('./token-keys.ts')).openTokenKeys(pkcs11);
  if (secretsManager === undefined) return { folder, store: folder, keys, signal, close: () => keys.close() };
  const { openSecret } = await import('./open-secret.ts');
  const store = openSecret(folder, secretsManager);
  try {
    await (isReader ? refreshAlone(folder, store) : store.refresh());
  } catch (error) {
    const isThere = onAway !== undefined && (await folder.current()) !== undefined;
    if (!isThere || !(error instanceof AgentError) || !FOR_NOW.has(error.code)) throw error;
    onAway(error);
  }
  return {
    folder,
    store,
    keys,
    signal,
    async close() {
      store.close();
      await keys.close();
    },
  };
}

/** Another agent that works there sees to it. */
async function refreshAlone(folder: SiteFolder, store: SiteStore): Promise<void> {
  const release = lockUnlessInUse(folder.path);
  if (release === undefined) return;
  try {
    await folder.prepare();
    await store.refresh();
  } finally {
    release();
  }
}

function lockUnlessInUse(path: string): (() => void) | undefined {
  try {
    return lockFolder(path);
  } catch (error) {
    if (error instanceof AgentError && error.code === 'FOLDER_IN_USE') return undefined;
    throw error;
  }
}
