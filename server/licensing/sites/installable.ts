import { LicetError } from '../errors.ts';
import type { Site } from '../model/site.ts';

/**
 * Whether a machine can be, or become, this site. Not a site of builds: their licenses come of identity tokens and are not
 * renewed, and what could not be renewed is not begun. `to`: who makes something for it, or the machine itself.
 */
export function assertInstallable({ status, trustRule }: Site, to: 'operator' | 'machine'): void {
  const kind = to === 'operator' ? 'conflict' : 'forbidden';
  if (status === 'retired' || status === 'suspended') {
    throw new LicetError(kind, 'SITE_NOT_LIVE', `The site is ${status}; it cannot be installed.`);
  }
  if (trustRule === undefined) return;
  const message =
    'This site stands for builds, which get their licenses for identity tokens; make another for a machine.';
  throw new LicetError(kind, 'SITE_OF_BUILDS', message);
}
