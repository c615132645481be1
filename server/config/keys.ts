import { z } from 'zod';
import type { FieldNotes } from './fields.ts';

/** A place in the configuration that holds one value. */
export type Key = {
  /** `http.tls.mode` */
  readonly path: string;
  /** `LICET_HTTP_TLS_MODE` */
  readonly variable: string;
  readonly kind: 'text' | 'number' | 'boolean' | 'list';
  readonly isPath: boolean;
  readonly isSecret: boolean;
  readonly description: string;
  /** What may stand there, in words: for messages and for the page. */
  readonly allowed: string;
  readonly default: unknown;
};

export type Section = { readonly path: string; readonly description: string; readonly keys: readonly Key[] };

export const variableName = (path: string): string =>
  `LICET_${path
    .replaceAll('.', '_')
    .replaceAll(/([a-z0-9])([A-Z])/g, '$1_$2')
    .toUpperCase()}`;

/** All keys of a schema in its order, each under the object that holds it. */
export function sectionsOf(schema: z.ZodType, path = ''): Section[] {
  const { inner, notes } = unwrap(schema);
  if (!(inner instanceof z.ZodObject)) throw new TypeError(`The configuration schema has no object at "${path}".`);
  const keys: Key[] = [];
  const below: Section[] = [];
  for (const [name, child] of Object.entries(inner.shape)) {
    const childPath = path === '' ? name : `${path}.${name}`;
    if (unwrap(child).inner instanceof z.ZodObject) below.push(...sectionsOf(child, childPath));
    else keys.push(keyOf(child, childPath));
  }
  const own = keys.length === 0 ? [] : [{ path, description: notes.description ?? '', keys }];
  return [...own, ...below];
}

export const keysOf = (schema: z.ZodType): Key[] => sectionsOf(schema).flatMap((section) => section.keys);

function keyOf(schema: z.ZodType, path: string): Key {
  const { inner, notes, fallback } = unwrap(schema);
  if (notes.description === undefined) throw new TypeError(`The configuration key "${path}" has no description.`);
  return {
    path,
    variable: variableName(path),
    kind: kindOf(inner),
    isPath: notes.path ?? false,
    isSecret: notes.secret ?? false,
    description: notes.description,
    allowed: notes.allowed ?? allowedBy(inner),
    default: fallback,
  };
}

/** Defaults and optionality wrap a type, and each layer may carry notes: the outermost word counts. */
function unwrap(schema: z.ZodType): { inner: z.ZodType; notes: FieldNotes; fallback: unknown } {
  let inner = schema;
  let notes: FieldNotes = {};
  let fallback: unknown;
  for (;;) {
    notes = { ...(inner.meta() as FieldNotes | undefined), ...notes };
    if (inner instanceof z.ZodDefault) fallback ??= inner.def.defaultValue;
    else if (!(inner instanceof z.ZodOptional || inner instanceof z.ZodPrefault)) return { inner, notes, fallback };
    inner = inner.unwrap() as z.ZodType;
  }
}

function kindOf(inner: z.ZodType): Key['kind'] {
  if (inner instanceof z.ZodNumber) return 'number';
  if (inner instanceof z.ZodBoolean) return 'boolean';
  if (inner instanceof z.ZodArray) return 'list';
  return 'text';
}

function allowedBy(inner: z.ZodType): string {
  if (inner instanceof z.ZodEnum) return inner.options.join(', ');
  if (inner instanceof z.ZodBoolean) return 'true, false';
  if (inner instanceof z.ZodNumber) {
    const sort = inner.isInt ? 'a whole number' : 'a number';
    return `${sort} from ${inner.minValue} to ${inner.maxValue}`;
  }
  return 'text';
}
