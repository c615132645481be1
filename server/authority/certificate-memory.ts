/** One takes about 3 KB: a server whose applications ask about more licenses than these reads some of them anew. */
const MOST = 2000;

/**
 * What was found stays what it is: a certificate never changes once it is issued, whatever becomes of it. What was not
 * found is looked for again.
 */
export function remembered<T>(find: (id: string) => Promise<T | undefined>): (id: string) => Promise<T | undefined> {
  const known = new Map<string, T>();
  return async (id) => {
    const value = known.get(id) ?? (await find(id));
    if (value === undefined) return undefined;
    // Anew at the end: the order of a Map is the order of use.
    known.delete(id);
    if (known.size >= MOST) known.delete(known.keys().next().value!);
    known.set(id, value);
    return value;
  };
}
