import type { Settings } from './settings.ts';
import { SiteFolder } from './site-folder.ts';
import { fileKeys, type SiteKeys } from './site-key.ts';

/** What a site has: its folder, where license and requests are kept for good, and where its keys are. */
export type Site = {
  readonly folder: SiteFolder;
  readonly store: SiteStore;
  readonly keys: SiteKeys;
};

/** Each change is durable when it resolves. */
export type SiteStore = Pick<SiteFolder, 'current' | 'pending' | 'keepPending' | 'dropPending' | 'install'>;

/** The places that the settings name. */
export async function openSite(path: string, _settings: Partial<Settings>): Promise<Site> {
  const folder = new SiteFolder(path);
  await folder.prepare();
  return { folder, store: folder, keys: fileKeys };
}
