/**
 * One text for one value, after RFC 8785 (JCS): members sorted by UTF-16 code units, no white space, numbers and strings
 * as ECMAScript writes them. Refuses what JSON cannot carry faithfully instead of bending it: what goes in is what any
 * reader gets out.
 */
export function canonicalJson(value: unknown): string {
  return write(value, '', 0);
}

/** Deeper than anything we store; keeps hostile input from exhausting the stack. */
const MAX_DEPTH = 32;

function write(value: unknown, path: string, depth: number): string {
  if (depth > MAX_DEPTH) throw refusal(path, `is nested deeper than ${MAX_DEPTH} levels`);
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return text(value, path);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) throw refusal(path, 'is not a finite number'); // RFC 8785 3.2.2.3
    return JSON.stringify(value);
  }
  if (Array.isArray(value)) {
    // A hole reads as undefined and is refused below, where map() would skip it.
    const items = Array.from(value, (item: unknown, index) => write(item, `${path}/${index}`, depth + 1));
    return `[${items.join(',')}]`;
  }
  if (isPlainObject(value)) {
    const members = Object.keys(value)
      .sort() // by UTF-16 code units, as RFC 8785 3.2.3 demands
      .map((name) => `${text(name, path)}:${write(value[name], `${path}/${name}`, depth + 1)}`);
    return `{${members.join(',')}}`;
  }
  throw refusal(path, `is ${describe(value)}, which JSON cannot carry`);
}

function text(value: string, path: string): string {
  if (!value.isWellFormed()) throw refusal(path, 'contains a lone surrogate'); // RFC 8785 3.2.2.2
  return JSON.stringify(value);
}

/** Dates, Maps, Buffers and class instances have no one JSON form: the caller writes down the one that is meant. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}

function describe(value: unknown): string {
  return typeof value === 'object' ? (value?.constructor.name ?? 'an object') : typeof value;
}

function refusal(path: string, what: string): TypeError {
  return new TypeError(`The value at "${path}" ${what}.`);
}
