import { type HighWater, TrustAnchors, type Verdict, verifyLicense } from '@licet/verify';
import { loadHighWater, machineFingerprints, saveHighWater } from '@licet/verify/node';
import type { SiteFolder } from './site-folder.ts';
import type { Settings } from './settings.ts';
import type { Site } from './site.ts';

/** What the license of this folder is worth now, by everything that lies here. Undefined: there is none yet. */
export async function look({ folder, store }: Site, settings: Settings, at: Date): Promise<Verdict | undefined> {
  const current = await store.current();
  if (current === undefined) return undefined;
  const highWater = await loadHighWater(markOf(folder));
  return verifyLicense(current.license, {
    anchors: TrustAnchors.fromPem(await folder.root()),
    at,
    evidence: await folder.evidence(),
    highWater,
    ...(isBound(settings) && { fingerprints: await fingerprintsHere(settings) }),
  });
}

const isBound = ({ machine = false, fingerprints }: Settings): boolean => machine || fingerprints !== undefined;

/** What tells this machine from others, read now. */
export async function fingerprintsHere({ machine = false, fingerprints = [] }: Settings): Promise<string[]> {
  return machine ? [...fingerprints, ...(await machineFingerprints())] : [...fingerprints];
}

/** The latest signed time that this site has seen: what makes a clock set back visible. */
export function remember(folder: SiteFolder, mark: HighWater): Promise<HighWater> {
  return saveHighWater(markOf(folder), mark);
}

const markOf = (folder: SiteFolder): string => folder.file('high-water.json');
