import { surroundingCredentials } from '@licet/keystores';
import { type SecretPlace, SecretStore } from './secret-store.ts';
import type { SiteFolder } from './site-folder.ts';

/** With the credentials that AWS gives this machine, and its clock, which signatures name. */
export function openSecret(folder: SiteFolder, place: SecretPlace): SecretStore {
  const clock = { now: () => new Date() };
  return new SecretStore(folder, place, surroundingCredentials(process.env, clock), clock);
}
