import { AgentError } from './errors.ts';
import type { Settings } from './settings.ts';
import { SiteFolder, type SiteStore } from './site-folder.ts';
import { fileKeys, type SiteKeys } from './site-key.ts';

/** Of a place outside that is there, and says nothing now. */
const AWAY: ReadonlySet<AgentError['code']> = new Set(['UNAVAILABLE', 'KEY_UNAVAILABLE']);

/** What a site has: its folder, where license and requests are kept for good, and where its keys are. */
export type Site = {
  readonly folder: SiteFolder;
  readonly store: SiteStore;
  readonly keys: SiteKeys;
  close(): Promise<void>;
};

/**
 * The places that the settings name; what is needed for those outside is loaded where they are used, and only there.
 * Whoever only reads can do so from the folder alone, and hears by `onAway` that it may be behind.
 */
export async function openSite(
  path: string,
  { pkcs11, secretsManager }: Partial<Settings>,
  onAway?: (error: AgentError) => void,
): Promise<Site> {
  const folder = new SiteFolder(path);
  await folder.prepare();
  const keys = pkcs11 === undefined ? fileKeys : await (await import('./token-keys.ts')).openTokenKeys(pkcs11);
  if (secretsManager === undefined) return { folder, store: folder, keys, close: () => keys.close() };
  const { openSecret } = await import('./open-secret.ts');
  const store = openSecret(folder, secretsManager);
  try {
    await store.refresh();
  } catch (error) {
    const isThere = onAway !== undefined && (await folder.current()) !== undefined;
    if (!isThere || !(error instanceof AgentError) || !AWAY.has(error.code)) throw error;
    onAway(error);
  }
  return {
    folder,
    store,
    keys,
    async close() {
      store.close();
      await keys.close();
    },
  };
}
