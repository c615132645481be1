import { HttpError } from '../../problem.ts';

/** RFC 9110 8.8.3: strong, because a version has exactly one representation. */
export const entityTag = (version: number): string => `"${version}"`;

const TAG = /^"([1-9]\d{0,9})"$/;

/**
 * The version that the caller has seen. `*` is the caller's word that it does not care. RFC 6585 3: without the header the
 * change is refused, because it would silently undo what somebody else did meanwhile.
 */
export function seenVersion(header: string | undefined): number | undefined {
  if (header === undefined) {
    const message = 'Say in If-Match which version you change: the ETag of the last GET, or * for whatever it is.';
    throw new HttpError(428, 'VERSION_REQUIRED', message);
  }
  if (header.trim() === '*') return undefined;
  const [, digits] = TAG.exec(header.trim()) ?? [];
  // RFC 9110 13.1.1: what is no tag of ours can never match. Weak tags never match here either.
  if (digits === undefined) {
    throw new HttpError(412, 'VERSION_STALE', 'If-Match names no version that was ever given out; read it again.');
  }
  return Number(digits);
}
