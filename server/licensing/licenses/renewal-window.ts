import { hash } from 'node:crypto';
import type { License } from '../model/license.ts';

export type RenewalWindow = {
  /** Half open: renew at an instant in it. One that lies in the past means now. */
  readonly start: Date;
  readonly end: Date;
  /** Ask for the window again after so many seconds. */
  readonly retryAfterSeconds: number;
  /** Why it is earlier than usual, for the person who wonders. */
  readonly explanation: string | undefined;
};

/** Licenses that are to be renewed before their time, e.g. because the key that signed them is to be replaced. */
export type Incident = {
  readonly id: string;
  readonly organization: string;
  /** Undefined: of any. */
  readonly enterprise: string | undefined;
  readonly issuerKey: string | undefined;
  readonly issuedBefore: Date;
  /** An address, or a sentence. */
  readonly explanation: string;
  /** Those concerned are spread over this time, so that not all come at once. */
  readonly beginsAt: Date;
  readonly endsAt: Date;
  readonly createdBy: string;
  readonly createdAt: Date;
};

const [EARLIEST, LATEST] = [1 / 2, 2 / 3];
/** Of what lies between these: sites that have the same window are as few as its length is short. */
const SLICES = 16;
const SIX_HOURS = 6 * 3600;

/**
 * When a site had best renew: in a slice of its own between one half and two thirds of the life of its license, so that
 * a fleet that was installed in one hour does not come back in one. The slice hangs on the site, so it stays.
 */
export function renewalWindow(
  license: Pick<License, 'notBefore' | 'notAfter' | 'site' | 'enterprise' | 'issuerKey' | 'mode' | 'reissuedAs'>,
  site: { readonly mode: License['mode'] },
  incidents: readonly Incident[],
): RenewalWindow {
  const position = positionOf(license.site);
  const incident = incidents.find((one) => concerns(one, license));
  if (incident !== undefined) {
    const { beginsAt, endsAt, explanation } = incident;
    return { ...slice(beginsAt, endsAt, position), retryAfterSeconds: 600, explanation };
  }
  if (license.mode !== site.mode || license.reissuedAs !== undefined) {
    const explanation = 'The rights of the site have changed; renew to have them.';
    const start = license.notBefore;
    return { start, end: new Date(start.getTime() + 1000), retryAfterSeconds: 60, explanation };
  }
  const [from, life] = [license.notBefore.getTime(), license.notAfter.getTime() - license.notBefore.getTime()];
  const window = slice(new Date(from + life * EARLIEST), new Date(from + life * LATEST), position);
  const retryAfterSeconds = Math.max(60, Math.min(SIX_HOURS, Math.floor(life / 100_000)));
  return { ...window, retryAfterSeconds, explanation: undefined };
}

function slice(from: Date, to: Date, position: number): { start: Date; end: Date } {
  const width = (to.getTime() - from.getTime()) / SLICES;
  const start = from.getTime() + Math.floor(position * SLICES) * width;
  return { start: new Date(start), end: new Date(start + width) };
}

/** From 0 to 1, the same for a site for ever. */
function positionOf(site: string): number {
  return Buffer.from(hash('sha256', `renewal ${site}`, 'buffer')).readUInt32BE() / 2 ** 32;
}

function concerns(
  { enterprise, issuerKey, issuedBefore }: Incident,
  license: Pick<License, 'enterprise' | 'issuerKey' | 'notBefore'>,
): boolean {
  return (
    (enterprise === undefined || enterprise === license.enterprise) &&
    (issuerKey === undefined || issuerKey === license.issuerKey) &&
    license.notBefore < issuedBefore
  );
}
