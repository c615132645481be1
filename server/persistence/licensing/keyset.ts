import { type FindOptionsWhere, LessThan, MoreThan } from 'typeorm';
import { LicetError } from '../../licensing/errors.ts';
import type { Entity } from '../../licensing/model/entity.ts';
import { isId } from '../../licensing/model/id.ts';
import type { ListQuery } from '../../licensing/ports/collection.ts';

type Sorted<T> = Pick<ListQuery<T>, 'by' | 'newestFirst'>;

export const way = ({ newestFirst = false }: Sorted<never>): 'asc' | 'desc' => (newestFirst ? 'desc' : 'asc');

/**
 * Where the page after this one begins. By a field: its value and the id, because several may have the same value; so a
 * page neither skips nor repeats, whatever is added meanwhile.
 */
export function cursorOf(last: Entity, by: string | undefined): string {
  if (by === undefined) return last.id;
  const value: unknown = last[by as keyof Entity];
  const text = value instanceof Date ? value.toISOString() : value;
  return Buffer.from(JSON.stringify([by, text, last.id])).toString('base64url');
}

/** What is asked for, from the cursor on. */
export function pageWhere<T extends Entity>({ where = {}, after, by, newestFirst = false }: ListQuery<T>) {
  const asked = where as FindOptionsWhere<T>;
  const beyond = newestFirst ? LessThan : MoreThan;
  if (after === undefined) return asked;
  if (by === undefined) return { ...asked, id: beyond(idOf(after)) } as FindOptionsWhere<T>;
  const [value, id] = positionOf(after, by);
  // A filter of the field itself goes with both halves: `status=active` sorted by status.
  const further = by in where ? [] : [{ ...asked, [by]: beyond(value) }];
  return [...further, { ...asked, [by]: value, id: beyond(id) }] as FindOptionsWhere<T>[];
}

function positionOf(cursor: string, by: string): readonly [value: unknown, id: string] {
  const [field, value, id] = parsed(cursor);
  if (field !== by || typeof value !== 'string' || typeof id !== 'string') throw noCursor();
  return [value, idOf(id)];
}

function parsed(cursor: string): readonly unknown[] {
  try {
    const value: unknown = JSON.parse(Buffer.from(cursor, 'base64url').toString());
    return Array.isArray(value) ? value : [];
  } catch {
    return [];
  }
}

function idOf(text: string): string {
  if (isId(text)) return text;
  throw noCursor();
}

const noCursor = (): LicetError =>
  new LicetError('invalid', 'CURSOR_INVALID', 'The cursor is not one that a page of this order has named as next.');
