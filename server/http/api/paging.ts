import { z } from 'zod';

export const MOST_ITEMS = 200;
const DEFAULT_ITEMS = 50;

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
    .max(200)
    .optional()
    .meta({ description: 'The `next` of the page before. Pages neither skip nor repeat when things are added.' }),
  order: z.enum(['oldest', 'newest']).default('oldest').meta({ description: 'By creation: oldest or newest first.' }),
});

export const pageOf = <Item extends z.ZodType>(item: Item) =>
  z.strictObject({
    items: z.array(item),
    next: z.string().optional().meta({ description: 'Give it as `after` to get the next page; absent on the last.' }),
  });

/** RFC 8288. Other parameters of the request stay as they are. */
export function nextLink(url: string, next: string): string {
  const { pathname, searchParams } = new URL(url, 'http://localhost');
  searchParams.set('after', next);
  return `<${pathname}?${searchParams.toString()}>; rel="next"`;
}
