import { z } from 'zod';
import type { ListQuery } from '../../licensing/ports/collection.ts';

export const MOST_ITEMS = 200;
const DEFAULT_ITEMS = 50;

const BY_CREATION: readonly string[] = ['oldest', 'newest'];

/** The orders of a list that can also be sorted by these fields: `name` from the first to the last, `-name` back. */
export const orderBy = (...fields: readonly string[]) =>
  z
    .enum([...BY_CREATION, ...fields.flatMap((field) => [field, `-${field}`])])
    .default('oldest')
    .meta({ description: 'By creation, oldest or newest first; or by a field, with a minus from its end.' });

/** What every list can be asked; the filters of a list are added to it. */
export const pageQuery = z.strictObject({
  limit: z.coerce
    .number()
    .int()
    .min(1)
    .max(MOST_ITEMS)
    .default(DEFAULT_ITEMS)
    .meta({ description: 'How many items at most.' }),
  after: z
    .string()
    .min(1)
    .max(1000)
    .optional()
    .meta({ description: 'The `next` of the page before. Pages neither skip nor repeat when things are added.' }),
  order: orderBy(),
});

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({
    items: z.array(item),
    next: z.string().optional().meta({ description: 'Give it as `after` to get the next page; absent on the last.' }),
  });

type PageQuery = { readonly limit: number; readonly after?: string | undefined; readonly order: string };

/** The page that was asked for, as stores are asked. The schema has seen to it that the order is one of the list's. */
export function listed<T>({ limit, after, order }: PageQuery): Omit<ListQuery<T>, 'where'> {
  return {
    limit,
    newestFirst: order === 'newest' || order.startsWith('-'),
    ...(after !== undefined && { after }),
    ...(!BY_CREATION.includes(order) && { by: order.replace(/^-/, '') }),
  };
}

/** RFC 8288. Other parameters of the request stay as they are. */
export function nextLink(url: string, next: string): string {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  searchParams.set('after', next);
  return `<${pathname}?${searchParams.toString()}>; rel="next"`;
}
