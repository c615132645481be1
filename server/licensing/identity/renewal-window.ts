import { hash } from 'node:crypto';
import type { License } from '../model/license.ts';

/** RFC 9773 §4.2 */
export type RenewalWindow = {
  readonly start: Date;
  readonly end: Date;
  /** For a person: why the window is not the usual one. */
  readonly explanation: string | undefined;
  /** When to ask again. */
  readonly retryAfterSeconds: number;
};

/** Why a license is to be renewed sooner: a key that is given up, a mistake that was issued. */
export type Incident = {
  readonly explanation: string;
  readonly beginsAt: Date;
  /** By then all that it concerns are to be renewed. */
  readonly endsAt: Date;
};

/** From a half of its life on, and done at two thirds of it. */
const FROM = 1 / 2;
const TO = 2 / 3;
/** The part of the span between them that one site gets: sites are spread over the rest. */
const SHARE = 1 / 3;

const HOUR = 3600;
const ASK_EVERY = 6 * HOUR;
const ASK_IN_INCIDENT = HOUR;

/**
 * When a license should be renewed: a window of its own for each site, the same each time it asks, so that a million
 * sites that were enrolled on one day do not come back on one day.
 */
export function renewalWindow(
  license: Pick<License, 'site' | 'notBefore' | 'notAfter'>,
  incident?: Incident,
): RenewalWindow {
  const position = positionOf(license.site);
  if (incident !== undefined) {
    // "Now" is spread over the time that there is: the first window of all is open already.
    const span = incident.endsAt.getTime() - incident.beginsAt.getTime();
    const start = new Date(incident.beginsAt.getTime() + (position * span) / 2);
    const end = new Date(start.getTime() + span / 2);
    return { start, end, explanation: incident.explanation, retryAfterSeconds: ASK_IN_INCIDENT };
  }
  const begin = license.notBefore.getTime();
  const life = license.notAfter.getTime() - begin;
  const span = life * (TO - FROM);
  const start = new Date(begin + life * FROM + position * span * (1 - SHARE));
  const retryAfterSeconds = Math.min(ASK_EVERY, Math.max(60, Math.floor(life / 1000 / 100)));
  return { start, end: new Date(start.getTime() + span * SHARE), explanation: undefined, retryAfterSeconds };
}

/** Where a site stands among all: from 0 to 1, evenly, and always the same. */
function positionOf(site: string): number {
  return Buffer.from(hash('sha256', `renewal ${site}`, 'hex').slice(0, 12), 'hex').readUIntBE(0, 6) / 2 ** 48;
}
