import type { z } from 'zod';
import { HttpError } from '../problem.ts';

/**
 * The only way from a stranger's value to a typed one. A ZodError thrown elsewhere is a defect of ours and becomes a 500:
 * only here is it known that the input is to blame.
 */
export function parseInput<Schema extends z.ZodType>(schema: Schema, value: unknown): z.output<Schema> {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const errors = result.error.issues.flatMap(({ path, message, ...issue }) =>
    issue.code === 'unrecognized_keys'
      ? issue.keys.map((key) => ({ pointer: pointer([...path, key]), detail: 'This name is not known here.' }))
      : [{ pointer: pointer(path), detail: message }],
  );
  throw new HttpError(400, 'INPUT_INVALID', 'The input breaks the rules named in "errors".', { errors });
}

/** RFC 6901 */
const pointer = (path: readonly PropertyKey[]): string =>
  path.map((name) => `/${String(name).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
