import { createBatcher } from '@licet/authority';
import { FormatError, fromBase64Url, parseSerial, toHex } from '@licet/format';
import { LicetError } from '../errors.ts';
import { orBusy } from '../licenses/busy.ts';
import type { Clock } from '../ports/clock.ts';
import type { Transactions } from '../ports/transactions.ts';
import type { RenewalLooks } from './ports.ts';
import { type RenewalWindow, renewalWindow } from './renewal-window.ts';

export type RenewalInfoDeps = {
  readonly transactions: Transactions;
  readonly clock: Clock;
  readonly looks: RenewalLooks;
};

/** When the holder of the license of this name should renew it. */
export type RenewalInfo = (name: string) => Promise<RenewalWindow>;

const BATCH = 256;
const QUEUE = 4096;

/**
 * Anybody may ask, as RFC 9773 §4 has it for ACME: a serial has 128 random bits, and the answer says nothing but times.
 * All sites ask, again and again, and after an outage together: those who ask at a time share one look, which finds the
 * licenses with the incidents that concern them. So nothing needs to be remembered, and an incident shows at once.
 */
export function createRenewalInfo({ transactions, clock, looks }: RenewalInfoDeps): RenewalInfo {
  const windows = createBatcher<string, RenewalWindow | undefined>({
    name: 'renewal information',
    batch: BATCH,
    queue: QUEUE,
    lanes: 1,
    async work(serials) {
      const at = clock.now();
      const found = await transactions.run('platform', (tx) => looks.find(tx, serials, at), { readOnly: true });
      return serials.map((serial) => {
        const { license, incident } = found.get(serial) ?? {};
        if (license === undefined) return { value: undefined };
        const isChanged = license.reissuedAs !== undefined;
        return { value: isChanged ? changedRights(license.notBefore, at) : renewalWindow(license, incident) };
      });
    },
  });
  return async (name) => {
    const serial = serialOf(name);
    const window = serial === undefined ? undefined : await orBusy(windows.submit(serial));
    if (window !== undefined) return window;
    throw new LicetError('not-found', 'LICENSE_NOT_FOUND', 'There is no such license; name it by its serial in hex.');
  };
}

/** An operator has changed the site: its new license waits for it. */
function changedRights(start: Date, end: Date): RenewalWindow {
  const explanation = 'The rights of the site have changed; renew to have them.';
  return { start, end, explanation, retryAfterSeconds: 60 };
}

/** A serial in hexadecimal, or the certificate identifier of RFC 9773 §4.1: key identifier, dot, serial. */
function serialOf(name: string): string | undefined {
  const plain = parseSerial(name);
  if (plain !== undefined) return plain;
  const [, serial, ...more] = name.split('.');
  if (serial === undefined || more.length > 0) return undefined;
  try {
    return parseSerial(toHex(fromBase64Url(serial)));
  } catch (error) {
    if (error instanceof FormatError) return undefined;
    throw error;
  }
}
