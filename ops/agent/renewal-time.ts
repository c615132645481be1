import { createHash } from 'node:crypto';

export type Window = { readonly start: Date; readonly end: Date };
/** What the authority says about a license (as RFC 9773 says it of certificates). */
export type Suggestion = {
  readonly window: Window;
  /** Why the window is not the usual one. */
  readonly explanation?: string;
  /** When to ask again. */
  readonly retryAfterSeconds?: number;
};

type Life = { readonly notBefore: Date; readonly notAfter: Date };

/** Between half and two thirds of its life: early enough to try for ten days, late enough to be worth it. */
export function defaultWindow({ notBefore, notAfter }: Life): Window {
  const life = notAfter.getTime() - notBefore.getTime();
  const at = (part: number): Date => new Date(notBefore.getTime() + life * part);
  return { start: at(1 / 2), end: at(2 / 3) };
}

/**
 * When this site renews: its own place in the window, by its name in the license, the same at every look, so
 * that a restart neither hurries nor delays it. A window that has begun before now and ended means: now.
 */
export function renewalTime(life: Life, site: string, suggestion: Suggestion | undefined): Date {
  const { start, end } = suggestion?.window ?? defaultWindow(life);
  const width = Math.max(0, end.getTime() - start.getTime());
  return new Date(start.getTime() + Math.floor(width * placeOf(site)));
}

/** From 0 to 1, evenly spread over all sites. */
function placeOf(site: string): number {
  return createHash('sha256').update(site).digest().readUInt32BE(0) / 2 ** 32;
}
