import { LicetError } from './licensing/errors.ts';

const PAUSE_MS = 250;
const TRIES = 60;

/**
 * Once the doors are open, those who come through may have every connection to the database: a start waits for its turn
 * among them instead of failing, which would bring all of them back at once.
 */
export async function patiently<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      const mayPass = error instanceof LicetError && error.kind === 'unavailable';
      if (!mayPass || tries === TRIES) throw error;
      await new Promise((resolve) => setTimeout(resolve, PAUSE_MS));
    }
  }
}
