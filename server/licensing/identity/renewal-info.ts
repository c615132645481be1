import { FormatError, fromBase64Url, toHex } from '@licet/format';
import { LicetError } from '../errors.ts';
import type { Clock } from '../ports/clock.ts';
import type { Transactions } from '../ports/transactions.ts';
import type { Incidents, LicenseDirectory } from './ports.ts';
import { type RenewalWindow, renewalWindow } from './renewal-window.ts';

export type RenewalInfoDeps = {
  readonly transactions: Transactions;
  readonly clock: Clock;
  readonly directory: LicenseDirectory;
  readonly incidents: Incidents;
};

const SERIAL = /^(?:[0-9a-f]{2}){1,20}$/;

/**
 * When the holder of a license should renew it. Anybody may ask, as RFC 9773 §4 has it for ACME: a serial has 128 random
 * bits, and the answer says nothing but times.
 */
export async function renewalInfo(name: string, deps: RenewalInfoDeps): Promise<RenewalWindow> {
  const serial = serialOf(name);
  const { transactions, clock, directory, incidents } = deps;
  const license =
    serial === undefined
      ? undefined
      : await transactions.run('platform', (tx) => directory.bySerial(tx, serial), { readOnly: true });
  if (license === undefined) {
    throw new LicetError('not-found', 'LICENSE_NOT_FOUND', 'There is no such license; name it by its serial in hex.');
  }
  const { organization } = license;
  const at = clock.now();
  if (license.reissuedAs !== undefined) return changedRights(license.notBefore, at);
  const known = await transactions.run({ organization }, (tx) => incidents.inForce(tx, at), { readOnly: true });
  return renewalWindow(license, known, at);
}

/** An operator has changed the site: its new license waits for it. */
function changedRights(start: Date, end: Date): RenewalWindow {
  const explanation = 'The rights of the site have changed; renew to have them.';
  return { start, end, explanation, retryAfterSeconds: 60 };
}

/** A serial in hexadecimal, or the certificate identifier of RFC 9773 §4.1: key identifier, dot, serial. */
function serialOf(name: string): string | undefined {
  const text = name.toLowerCase();
  if (SERIAL.test(text)) return text;
  const [, serial, ...more] = name.split('.');
  if (serial === undefined || more.length > 0) return undefined;
  try {
    const hex = toHex(fromBase64Url(serial));
    return SERIAL.test(hex) ? hex : undefined;
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
