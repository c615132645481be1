import type { z } from 'zod';
import { HttpError } from '../problem.ts';

/**
 * The only way from a stranger's value to a typed one. A ZodError thrown elsewhere is a defect of ours and becomes a 500:
 * only here is it known that the input is to blame.
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const nuls = nulsIn(value);
  const result = schema.safeParse(value);
  if (result.success && nuls.length === 0) return result.data;
  const errors = nuls.length > 0 ? nuls.map((at) => ({ pointer: at, detail: NO_NUL })) : rulesBrokenBy(result.error!);
  throw new HttpError(400, 'INPUT_INVALID', 'The input breaks the rules named in "errors".', { errors });
}

type Broken = { readonly pointer: string; readonly detail: string };

const rulesBrokenBy = ({ issues }: z.ZodError): Broken[] =>
  issues.flatMap(({ path, message, ...issue }) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ pointer: pointer([...path, key]), detail: 'This name is not known here.' }))
      : [{ pointer: pointer(path), detail: message }],
  );

const NO_NUL = 'must not hold the character NUL';

/** Where a text or a name holds it: PostgreSQL has no place for it, so no schema may forget to refuse it. */
function nulsIn(value: unknown, path: readonly string[] = []): string[] {
  if (typeof value === 'string') return value.includes('\0') ? [pointer(path)] : [];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([name, inner]) =>
    name.includes('\0') ? [pointer(path)] : nulsIn(inner, [...path, name]),
  );
}

/** RFC 6901 */
const pointer = (path: readonly PropertyKey[]): string =>
  path.map((name) => `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
