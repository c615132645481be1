import { LicetError } from '../../licensing/errors.ts';
import { isId } from '../../licensing/model/id.ts';
import type { Page } from '../../licensing/ports/collection.ts';

/** The id that a page begins after, for SQL. */
export function startOf(after: string | undefined): string | null {
  if (after === undefined || isId(after)) return after ?? null;
  throw new LicetError('invalid', 'CURSOR_INVALID', 'The cursor is not one that a page has named as next.');
}

/** Of one row more than was asked for: the page, and whether there is another. */
export function pageOf<T extends { readonly id: string }>(rows: readonly T[], limit: number): Page<T> {
  return { items: rows.slice(0, limit), next: rows.length > limit ? rows[limit - 1]?.id : undefined };
}
