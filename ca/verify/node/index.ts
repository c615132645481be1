export { askPossession } from './ask-possession.ts';
export type { FoundEvidence } from './evidence.ts';
export { loadHighWater, type MarkState, readHighWater, saveHighWater } from './high-water-file.ts';
export { agentSocket, configurationFolders, licenseFiles, type Surroundings, surroundings } from './places.ts';
export { machineFingerprints } from './machine.ts';
export { provePossession } from './prove-possession.ts';
export { type SiteOptions, type SiteVerdict, verifySite } from './site.ts';
export {
  type Attempt,
  findLicense,
  type FoundLicense,
  type LicenseSearch,
  type SearchOptions,
  type Source,
  SOURCES,
} from './sources.ts';
