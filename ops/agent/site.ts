import type { Settings } from './settings.ts';
import { SiteFolder, type SiteStore } from './site-folder.ts';
import { fileKeys, type SiteKeys } from './site-key.ts';

/** What a site has: its folder, where license and requests are kept for good, and where its keys are. */
export type Site = {
  readonly folder: SiteFolder;
  readonly store: SiteStore;
  readonly keys: SiteKeys;
  close(): Promise<void>;
};

/** The places that the settings name; what is needed for those outside is loaded where they are used, and only there. */
export async function openSite(path: string, { pkcs11, secretsManager }: Partial<Settings>): Promise<Site> {
  const folder = new SiteFolder(path);
  await folder.prepare();
  const keys = pkcs11 === undefined ? fileKeys : await (await import('./token-keys.ts')).openTokenKeys(pkcs11);
  if (secretsManager === undefined) return { folder, store: folder, keys, close: () => keys.close() };
  const { openSecret } = await import('./open-secret.ts');
  const store = openSecret(folder, secretsManager);
  await store.refresh();
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
